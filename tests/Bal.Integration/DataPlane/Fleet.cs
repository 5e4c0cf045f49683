using System.Net;
using System.Net.Sockets;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Doctor;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Integration.DataPlane;

/// <summary>Event loops that serve several services; the test's own thread is their supervisor.</summary>
internal sealed class Fleet : IDisposable
{
    private readonly WakeUp wake = new();
    private readonly List<Exception> crashes = [];

    public Fleet(int loops = 2, Func<string, Either<BindOutcome, NameAddresses>>? lookUp = null) =>
        Plane = new Plane(loops, LivePlane.Unlimited(loops), LivePlane.Counts(), wake, Crashed)
        {
            LookUp = lookUp ?? NameAddresses.Of,
            Say = Said.Add,
        };

    /// <summary>What an operator was told.</summary>
    public List<LogEvent> Said { get; } = [];

    public Plane Plane { get; }

    public List<ControlEvent> Events { get; } = [];

    /// <summary>A service on 127.0.0.1 with one backend, whose identity is the service's.</summary>
    public static RoutingTable Table(int id, string name, int port, Backend backend) =>
        Table(id, name, new Listener(new Host.Address(IPAddress.Loopback), port), backend);

    public static RoutingTable Table(int id, string name, Listener listener, Backend backend) => LivePlane.TableOf(
        id,
        LivePlane.ConfigOf(listener.Port).Services[0] with { Name = name, Listener = listener },
        LivePlane.RouteTo(id, backend.Port));

    /// <summary>As a reload does: removed services are in their tables, and no longer in the configuration.</summary>
    public void Apply(params RoutingTable[] tables)
    {
        var config = LivePlane.ConfigOf(1) with
        {
            Services = new(tables.Where(t => !t.Removed).Select(t => t.Service)),
        };
        var prepared = Plane.Prepare(config);
        Assert.True(prepared.IsRight, prepared.Match(Right: _ => "", Left: p => p.ToText()));
        foreach (var table in tables)
            Plane.Publish(table);
        Plane.Commit();
    }

    public static RoutingTable Removed(RoutingTable table) => table with
    {
        Removed = true,
        Draining = table.Up.Map(route => route.Id),
    };

    public ServiceTraffic TrafficOf(int service) =>
        Plane.Measure().Services.Filter(s => s.Service == new ServiceId(service))[0];

    /// <summary>A client of the port that has been served.</summary>
    public static Socket Echoed(int port)
    {
        var client = DataPlane.Sockets.Connect(port);
        client.Send("x"u8);
        client.Read(1);
        return client;
    }

    /// <summary>Stops every loop between two batches until the result is disposed.</summary>
    public IDisposable Hold()
    {
        var (release, stopped) = (new ManualResetEventSlim(), 0);
        var loops = Plane.OnEveryLoop(() =>
        {
            Interlocked.Increment(ref stopped);
            release.Wait(TimeSpan.FromSeconds(20));
        });
        Until(() => Volatile.Read(ref stopped) == loops, "the loops stand still");
        return new Release(release);
    }

    public void Settle()
    {
        var done = 0;
        var loops = Plane.OnEveryLoop(() => Interlocked.Increment(ref done));
        Until(() => Volatile.Read(ref done) == loops, "the loops have carried out their commands");
    }

    public void Until(Func<bool> condition, string what)
    {
        var held = SpinWait.SpinUntil(
            () =>
            {
                Plane.Collect(Events.Add);
                lock (crashes)
                    Assert.Empty(crashes);
                return condition();
            },
            TimeSpan.FromSeconds(20));
        Assert.True(held, $"waited in vain until {what}");
    }

    public bool IsIdle(int backend) => Events.Contains(new ControlEvent.BackendIdle(new BackendId(backend)));

    public void Dispose()
    {
        Plane.Dispose();
        wake.Dispose();
    }

    private void Crashed(Exception fault)
    {
        lock (crashes)
            crashes.Add(fault);
    }

    private sealed class Release(ManualResetEventSlim release) : IDisposable
    {
        public void Dispose() => release.Set();
    }
}
