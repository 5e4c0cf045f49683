using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Relay;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Integration.DataPlane;

/// <summary>Real event loops behind a real port; the test's own thread is their supervisor.</summary>
internal sealed class LivePlane : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly WakeUp wake = new();
    private readonly List<Exception> crashes = [];

    /// <param name="relay">How bytes are moved.</param>
    /// <param name="loops">How many event loops.</param>
    /// <param name="serving">Whether clients are accepted from the beginning.</param>
    /// <param name="backends">The ports of the backends on 127.0.0.1; their identities count from 1.</param>
    public LivePlane(RelayMode relay, int loops, bool serving, params int[] backends)
        : this(relay, gatherRule: null, loops, serving, backends)
    {
    }

    /// <param name="relay">How bytes are moved.</param>
    /// <param name="gatherRule">When streams gather; null for the plane's own rule.</param>
    /// <param name="loops">How many event loops.</param>
    /// <param name="serving">Whether clients are accepted from the beginning.</param>
    /// <param name="backends">The ports of the backends on 127.0.0.1; their identities count from 1.</param>
    public LivePlane(RelayMode relay, GatherRule? gatherRule, int loops, bool serving, params int[] backends)
        : this(relay, gatherRule, long.MaxValue, loops, serving, backends)
    {
    }

    /// <param name="relay">How bytes are moved.</param>
    /// <param name="gatherRule">When streams gather; null for the plane's own rule.</param>
    /// <param name="descriptorLimit">How many descriptors the plane believes the process to have.</param>
    /// <param name="loops">How many event loops.</param>
    /// <param name="serving">Whether clients are accepted from the beginning.</param>
    /// <param name="backends">The ports of the backends on 127.0.0.1; their identities count from 1.</param>
    public LivePlane(
        RelayMode relay, GatherRule? gatherRule, long descriptorLimit, int loops, bool serving, params int[] backends)
    {
        Port = Ports.Free();
        Plane = new Plane(
            loops, DescriptorBudget.Of(descriptorLimit, loops, 0, 0), Counts(), wake, Crashed, gatherRule);
        Table = TableOf(1, ConfigOf(Port).Services[0], [.. backends.Select((port, i) => RouteTo(i + 1, port))]);
        Tune(t => t with { Relay = relay });
        Assert.True(Plane.Prepare(ConfigOf(Port)).IsRight);
        if (serving)
            Plane.Commit();
    }

    public LivePlane(int loops, bool serving, params int[] backends)
        : this(RelayMode.Auto, loops, serving, backends)
    {
    }

    public LivePlane(int loops, params int[] backends)
        : this(RelayMode.Auto, loops, serving: true, backends)
    {
    }

    /// <summary>Memory for a plane to count in.</summary>
    public static OpenCounts Counts() => OpenCounts.Create().Match(
        Right: counts => counts, Left: problem => throw new InvalidOperationException(problem.ToText()));

    /// <summary>Descriptors without a limit.</summary>
    public static DescriptorBudget Unlimited(int loops) => DescriptorBudget.Of(long.MaxValue, loops, 0, 0);

    public Plane Plane { get; }

    public int Port { get; }

    public RoutingTable Table { get; private set; }

    /// <summary>Everything that the loops have told, in order.</summary>
    public List<ControlEvent> Events { get; } = [];

    public long Open => Plane.Measure().Active;

    public static Route RouteTo(int id, int port, params string[] addresses) => new(
        new BackendId(id),
        new BackendConfig(new Endpoint(new Host.Address(IPAddress.Loopback), port)),
        Weight: 1,
        new Arr<IPAddress>((addresses.Length == 0 ? ["127.0.0.1"] : addresses).Select(IPAddress.Parse)),
        WantsSuccess: false);

    public static BalConfig ConfigOf(int port, string address = "127.0.0.1") => new(
        Mode.Simple, LogLevel.Info, Option<int>.None,
        Prelude.Array(new Service(
            "default", new Listener(new Host.Address(IPAddress.Parse(address)), port), Method.RoundRobin,
            Prelude.Array(new BackendConfig(new Endpoint(new Host.Address(IPAddress.Loopback), 1))), Tuning.For(1))));

    /// <summary>The table of a service all of whose backends are up.</summary>
    public static RoutingTable TableOf(int id, Service service, params Route[] up) => new(
        new ServiceId(id),
        service with
        {
            Tuning = service.Tuning with
            {
                ConnectTimeout = new(2_000),
                IdleTimeout = new(60_000),
                MaxConcurrentConnections = 10_000,
            },
        },
        new Arr<Route>(up), [], [], Protection: false, Removed: false, []);

    public void Publish(Func<RoutingTable, RoutingTable> change) => Plane.Publish(Table = change(Table));

    public void Tune(Func<Tuning, Tuning> change) =>
        Publish(t => t with { Service = t.Service with { Tuning = change(t.Service.Tuning) } });

    /// <summary>A client, connected to bal.</summary>
    public Socket Client() => Sockets.Connect(Port);

    /// <summary>Waits until bytes of the first backend have flowed and no more do; how many.</summary>
    public long UntilStalled()
    {
        var (passed, since) = (-1L, Stopwatch.StartNew());
        Until(
            () =>
            {
                var now = Plane.Measure().Backends[0].BytesOut;
                if (now != passed)
                    (passed, since) = (now, Stopwatch.StartNew());
                return now > 0 && since.ElapsedMilliseconds > 500;
            },
            "nothing moves any more");
        return passed;
    }

    /// <summary>Acts as the supervisor until the condition holds.</summary>
    public void Until(Func<bool> condition, string what)
    {
        var held = SpinWait.SpinUntil(
            () =>
            {
                Collect();
                return condition();
            },
            Patience);
        Assert.True(held, $"waited in vain until {what}");
    }

    /// <summary>
    /// Stops every loop between two waits for events until the result is disposed: what happens meanwhile is found by
    /// the next wait, all in one batch.
    /// </summary>
    public IDisposable Hold()
    {
        var held = new Held();
        var loops = Plane.OnEveryLoop(held.Stop);
        Until(() => held.Stopped == loops, "the loops stand still");
        return held;
    }

    /// <summary>
    /// Waits until so many connections with backends have been established, and the loops are at rest.
    /// </summary>
    public void UntilEstablished(int count)
    {
        Until(() => Plane.Measure().Backends.Sum(b => b.Total) == count, $"{count} connections are established");
        Settle();
    }

    /// <summary>Waits until every session has ended; all of them must have ended for this reason.</summary>
    public void UntilEnded(TerminationReason reason, int count = 1)
    {
        Until(() => Open == 0, "every session has ended");
        Settle();
        var ended = ServiceCounters.All.Filter(c => c.Kind == CounterKind.Ended && Plane.Measure().Of(c) != 0);
        Assert.Equal(Prelude.Array(ServiceCounters.Of(reason)), ended);
        Assert.Equal(count, Plane.Measure().Of(ServiceCounters.Of(reason)));
        Assert.All(Plane.Measure().Backends, b => Assert.Equal(0, b.Active));
        Assert.All(
            ServiceCounters.All.Filter(c => c.Kind == CounterKind.Open), c => Assert.Equal(0, Plane.Measure().Of(c)));
    }

    /// <summary>Waits until every loop has done all that it was told.</summary>
    public void Settle()
    {
        var done = 0;
        var loops = Plane.OnEveryLoop(() => Interlocked.Increment(ref done));
        Until(() => Volatile.Read(ref done) == loops, "the loops have carried out their commands");
    }

    public void Collect()
    {
        Plane.Collect(Events.Add);
        lock (crashes)
            Assert.Empty(crashes);
    }

    public void Dispose()
    {
        Plane.Dispose();
        wake.Dispose();
    }

    private sealed class Held : IDisposable
    {
        private readonly ManualResetEventSlim release = new();
        private int stopped;

        public int Stopped => Volatile.Read(ref stopped);

        public void Stop()
        {
            Interlocked.Increment(ref stopped);
            release.Wait(Patience);
        }

        public void Dispose() => release.Set();
    }

    private void Crashed(Exception fault)
    {
        lock (crashes)
            crashes.Add(fault);
    }
}
