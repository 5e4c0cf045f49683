using System.Net.Sockets;
using Bal.Domain.Balancing;
using Bal.Domain.Counting;
using Bal.Domain.Relay;
using LanguageExt;

namespace Bal.Integration.DataPlane;

/// <summary>Services 1, 2 and so on on one address, each with a backend that echoes.</summary>
internal sealed class Group : IDisposable
{
    private readonly List<Backend> backends = [];
    private long[] seen;

    public Group(params string[][] names) : this(table => table, names) { }

    public Group(Func<RoutingTable, RoutingTable> change, params string[][] names) : this(2, change, names) { }

    public Group(int loops, Func<RoutingTable, RoutingTable> change, params string[][] names)
    {
        Fleet = new Fleet(loops);
        Tables = [.. names.Select((of, i) => change(Table(i + 1, of)))];
        seen = new long[names.Length];
        Fleet.Apply(Tables);
    }

    public Fleet Fleet { get; }

    public int Port { get; } = Ports.Free();

    public RoutingTable[] Tables { get; }

    /// <summary>A service of that number.</summary>
    public RoutingTable Table(int id, params string[] names) => Table(id, Port, names);

    public RoutingTable Table(int id, int port, params string[] names)
    {
        var backend = new Backend().Echoing();
        backends.Add(backend);
        return Named(Fleet.Table(id, $"s{id}", port, backend), names);
    }

    public static RoutingTable Named(RoutingTable table, params string[] names) => table with
    {
        Service = table.Service with
        {
            ServerNames = new Arr<ServerName>(names.Select(name => name.StartsWith("*.", StringComparison.Ordinal)
                ? new ServerName(name[2..], true)
                : new ServerName(name, false))),
        },
    };

    /// <summary>A client that has asked for a name and been served.</summary>
    public Socket Served(string? name, int? port = null)
    {
        var client = Sockets.Connect(port ?? Port);
        var hello = Hello.For(name);
        client.Send(hello);
        Assert.Equal(hello, client.Read(hello.Length));
        return client;
    }

    public long Of(int service, ServiceCounter counter) => Fleet.TrafficOf(service).Of(counter);

    /// <summary>Connections that the backend of each service has had.</summary>
    public long[] Totals() => [.. Tables.Select(table => Fleet.Plane.EstablishedByLoop(new(table.Id.Value)).Sum())];

    /// <summary>Which service has had one more since the last call; nobody else has.</summary>
    public int ServiceOfLast()
    {
        var (before, now) = (seen, Totals());
        seen = now;
        var more = now.Select((total, i) => total - before[i]).ToArray();
        Assert.Equal(1, more.Sum());
        return 1 + System.Array.IndexOf(more, 1L);
    }

    /// <summary>Waits until nobody counts anywhere.</summary>
    public void SettlesAtNothing() => Fleet.Until(
        () => Tables.All(table => Fleet.Plane.Measure().Services.Filter(s => s.Service == table.Id)
            .ForAll(s => s.Active == 0)), "nobody is counted any more");

    public void Dispose()
    {
        Fleet.Dispose();
        backends.ForEach(backend => backend.Dispose());
    }
}
