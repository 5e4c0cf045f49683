using System.Net;
using Bal.Domain.Backend;
using Bal.Domain.Backoff;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using Bal.Domain.Relay;
using FsCheck;
using FsCheck.Fluent;
using LanguageExt;

namespace Bal.Domain.Specs.Config;

/// <summary>Generators of documents and of configurations.</summary>
public static class Trees
{
    private static readonly string[] Words =
    [
        "mode", "services", "a-1", "B", "port", "bind_address", "method", "log_level", "decision_log", "backends",
            "runtime", "host", "threads",
            "overload_policy",
        "health_check_interval_ms", "failover_backoff_initial_ms", "failover_backoff_max_ms", "tcp_backlog", "hots",
            "<<",
        "", "~", "null", "0", "1", "-1", "80", "9295", "65536", "007", "1e3", "0x10", "99999999999999999999", "simple",
        "advanced", "round_robin", "info", "reject", "auto", "10.0.0.1", "127.1", "::", "[::1]", "::1%eth0", "1::2::3",
        "10.0.0.1:80", "[::1]:80", "[", "]", ":", ".", "..", "a..b", "-a", "localhost.", "LOCALHOST", "\u0000",
            "\ud800", "ü",
    ];

    public static Arbitrary<RawNode> AnyTree() => Gen.Sized(size => Tree(Math.Min(size, 30))).ToArbitrary();

    public static Arbitrary<BalConfig> AnyConfig() => Config.ToArbitrary();

    private static Gen<string> Text => Gen.OneOf(
        Gen.Elements(Words), Gen.Elements(Words), ArbMap.Default.GeneratorFor<NonNull<string>>().Select(s => s.Get));

    private static Gen<SourcePosition> Place =>
        Gen.Choose(1, 1000).Zip(Gen.Choose(1, 200), (line, column) => new SourcePosition(line, column));

    private static Gen<RawNode> Leaf =>
        from at in Place
        from text in Text
        from quoted in Gen.Elements(true, false)
        select (RawNode)new RawNode.Scalar(at, text, quoted);

    private static Gen<RawNode> Tree(int size) => size <= 1 ? Leaf : Gen.Frequency(
        (2, Leaf),
        (2, from at in Place
            from items in Tree(size / 3).ListOf(Math.Min(4, size))
            select (RawNode)new RawNode.Sequence(at, new Arr<RawNode>(items))),
        (4, from at in Place
            from entries in Leaf.Zip(Tree(size / 3), (key, value) => new RawEntry(key, value)).ListOf(Math.Min(6, size))
            select (RawNode)new RawNode.Mapping(at, new Arr<RawEntry>(entries))),
        (1, from at in Place
            from key in Tree(size / 3)
            from value in Tree(size / 3)
            select (RawNode)new RawNode.Mapping(at, Prelude.Array(new RawEntry(key, value)))));

    private static Gen<Host> HostGen => Gen.OneOf(
        Gen.Choose(0, 255).ArrayOf(4).Select(b => (Host)new Host.Address(new IPAddress([.. b.Select(x => (byte)x)]))),
        Gen.Choose(0, 255).ArrayOf(16).Select(b => new IPAddress([.. b.Select(x => (byte)x)]))
            .Where(a => !a.IsIPv4MappedToIPv6).Select(a => (Host)new Host.Address(a)),
        Gen.Elements("localhost", "db", "a-b.example", "_x.y_z.internal", "1a.2b").Select(n => (Host)new Host.Name(n)));

    private static Gen<Endpoint> EndpointGen => HostGen.Zip(Gen.Choose(1, 65_535), (host, port) => new Endpoint(host,
        port));

    private static Gen<int> Positive => Gen.OneOf(Gen.Choose(1, 20), Gen.Choose(1, int.MaxValue),
        Gen.Constant(int.MaxValue));

    private static Gen<Tuning> TuningGen =>
        from n in Positive.ArrayOf(13)
        from cooldown in Gen.OneOf(Gen.Constant(0), Positive)
        from relay in Gen.Elements(RelayMode.Auto, RelayMode.Copy, RelayMode.Splice)
        from idle in Gen.OneOf(Gen.Constant(0), Positive)
        from keepalive in Gen.OneOf(Gen.Constant(0), Gen.Choose(3_000, 90_000), Gen.Constant(int.MaxValue))
        from queue in Gen.OneOf(Gen.Constant(1_000), Gen.Constant(0), Positive)
        from halfClosed in Gen.OneOf(
            Gen.Constant(Option<int>.None), Gen.Constant(Option<int>.Some(0)), Positive.Select(Option<int>.Some))
        select new Tuning(
            new HealthPolicy(new(n[0]), new(n[1]), n[2], n[3]),
            new Duration(n[4]),
            new BackoffPolicy(new(Math.Min(n[5], n[6])), new(Math.Max(n[5], n[6])), new(cooldown)),
            new ProtectionPolicy(n[7], new(n[8]), n[9]),
            n[10], new Duration(idle), OverloadPolicy.Reject, n[12], relay)
        {
            Keepalive = new(keepalive),
            HalfClosedTimeoutMs = halfClosed,
            QueueLimit = queue,
            QueueTimeoutMs = halfClosed.Map(ms => Math.Max(1, ms)),
        };

    private static Gen<BalConfig> Config =>
        from mode in Gen.Elements(Mode.Simple, Mode.Advanced)
        from level in Gen.Elements(LogLevel.Debug, LogLevel.Info, LogLevel.Warn, LogLevel.Error)
        from threads in Gen.OneOf(Gen.Constant(Option<int>.None), Gen.Choose(1, 1024).Select(Option<int>.Some))
        from decisions in Gen.Elements(
            Option<string>.None, Option<string>.Some("decisions.ndjson"), Option<string>.Some("/var/log/\"b al\"\\ü"))
        from access in Gen.Elements(
            Option<string>.None, Option<string>.Some("-"), Option<string>.Some("/var/log/access \"log\""))
        from web in Gen.OneOf(Gen.Constant(Option<WebConfig>.None), WebGen.Select(Option<WebConfig>.Some))
        from services in Gen.OneOf(ServiceGen.Select(one => new[] { one }), Several)
        select new BalConfig(mode, level, threads, new Arr<Service>(services))
        {
            DecisionLog = decisions,
            AccessLog = access,
            Web = web,
        };

    private static Gen<WebConfig> WebGen =>
        from at in Gen.OneOf(
            EndpointGen.Where(e => e.Host is Host.Address).Select(e => (WebAddress)new WebAddress.Tcp(e)),
            Gen.Elements("/run/bal/web.sock", "/a b:\"ü").Select(path => (WebAddress)new WebAddress.Unix(path)))
        from hosts in Gen.OneOf(Gen.Constant(System.Array.Empty<Host>()), HostGen.ArrayOf(2))
        select new WebConfig(at, new Arr<Host>(hosts));

    private static Gen<Service> ServiceGen =>
        from hosts in Bind
        from port in Gen.Choose(1, 65_535)
        from backends in EndpointGen.NonEmptyListOf()
        from tuning in TuningGen
        from check in CheckGen
        from own in Gen.OneOf(Gen.Constant(Option<HealthCheck>.None), CheckGen.Select(Option<HealthCheck>.Some))
            .ArrayOf(3)
        from limits in Gen.OneOf(
            Gen.Constant(Option<int>.None), Gen.Choose(1, 1_000_000).Select(Option<int>.Some)).ArrayOf(4)
        from names in Gen.OneOf(Gen.Constant(System.Array.Empty<ServerName>()), ServerNameGen.ArrayOf())
        select new Service(
            Service.DefaultName, new Listener(hosts, port), Method.RoundRobin,
            new Arr<BackendConfig>(backends.Distinct().Select((e, i) => new BackendConfig(e)
            {
                HealthCheck = own[i % own.Length],
                MaxConnections = limits[i % limits.Length],
            })), tuning)
        {
            HealthCheck = check,
            ServerNames = new Arr<ServerName>(names.Distinct()),
        };

    private static Gen<ServerName> ServerNameGen =>
        from name in Gen.Elements("localhost", "www.example.org", "_x.y_z.internal", "1a.2b", "null")
        from wild in Gen.Elements(false, true)
        select new ServerName(name, wild);

    private static Gen<HealthCheck> CheckGen =>
        from port in Gen.OneOf(Gen.Constant(Option<int>.None), Gen.Choose(1, 65_535).Select(Option<int>.Some))
        from expected in ArbMap.Default.GeneratorFor<byte[]>().Where(bytes => bytes.Length > 0)
        from start in Gen.Elements(false, true)
        from type in Gen.Elements(CheckType.Tcp, CheckType.TcpFull, CheckType.Exchange, CheckType.Http)
        select new HealthCheck(type)
        {
            Port = port,
            // A secret is printed as its length, which is not a configuration again.
            Exchange = type == CheckType.Exchange
                ? Prelude.Array(new ExchangeStep(Option<Secret>.None, Octets.Of(expected), start))
                : Arr<ExchangeStep>.Empty,
            Http = type == CheckType.Http
                ? new HttpQuestion("/a-b.c") { Method = "HEAD", Status = Prelude.Array(200 + (expected[0] % 100)) }
                : HttpQuestion.Default,
        };

    // On ports of their own, so that whatever they listen on is theirs.
    private static Gen<Service[]> Several =>
        from services in ServiceGen.ListOf(4)
        from names in Gen.Shuffle<string>(["default", "orders-db", "0", "a_b", "null", new string('x', 63)])
        select services.Select((service, i) => service with
        {
            Name = names[i],
            Listener = service.Listener with { Port = (service.Listener.Port + (i * 16_000)) % 65_535 + 1 },
        }).DistinctBy(service => service.Listener.Port).ToArray();

    private static Gen<Arr<Host>> Bind => Gen.OneOf(
        HostGen.Select(host => Prelude.Array(host)),
        Gen.Constant(Prelude.Array<Host>(new Host.Address(IPAddress.Any), new Host.Address(IPAddress.IPv6Any))),
        HostGen.NonEmptyListOf().Select(hosts => new Arr<Host>(hosts.Distinct().Where(host =>
            host is not Host.Address { Value: var ip } || !(ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any)))))
            .Where(hosts => !hosts.IsEmpty));
}
