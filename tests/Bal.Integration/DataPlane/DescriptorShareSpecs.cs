using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using Bal.Infrastructure.DataPlane;

namespace Bal.Integration.DataPlane;

/// <summary>The rule of Bal.Domain.Admission.DescriptorShare, with many loops at the same time.</summary>
public sealed class DescriptorShareSpecs
{
    private const int Total = 100;

    [Fact]
    public void A_flooded_service_gets_all_but_what_the_others_are_assured_of()
    {
        using var scene = new Scene(services: 2);
        var (flooded, other) = (scene.Planes[0], scene.Planes[1]);

        Assert.Equal(75, AdmitAll(flooded));
        Assert.Equal(Refusal.Descriptors, flooded.TryAdmit(int.MaxValue));
        Assert.Equal(25, AdmitAll(other));
        Assert.Equal(Refusal.Descriptors, other.TryAdmit(int.MaxValue));

        flooded.Leave();
        Assert.Null(other.TryAdmit(int.MaxValue));
        Assert.Equal(Refusal.Limit, other.TryAdmit(26));
    }

    [Fact]
    public void A_service_whose_limit_is_below_its_part_leaves_the_rest_to_others()
    {
        using var scene = new Scene(services: 2, limitOfLast: 5);

        Assert.Equal(95, AdmitAll(scene.Planes[0]));
        Assert.Null(scene.Planes[1].TryAdmit(5));
    }

    [Fact]
    public void Whatever_comes_and_goes_at_once_no_place_is_lost_or_given_twice()
    {
        const int Threads = 4;
        using var scene = new Scene(services: 3);
        var open = new int[Threads * 3];
        Parallel.For(0, Threads, new() { MaxDegreeOfParallelism = Threads }, thread =>
        {
            var random = new Random(thread);
            for (var i = 0; i < 200_000; i++)
            {
                var service = random.Next(3);
                ref var own = ref open[thread * 3 + service];
                if (random.Next(2) == 0 && own > 0)
                {
                    own--;
                    scene.Planes[service].Leave();
                }
                else if (scene.Planes[service].TryAdmit(int.MaxValue) is null)
                {
                    own++;
                }
            }
        });

        Assert.Equal(open.Sum(), scene.Planes.Sum(p => p.Open));
        for (var i = 0; i < 3; i++)
        {
            for (var left = scene.Planes[i].Open; left > 0; left--)
                scene.Planes[i].Leave();
        }

        Assert.Equal(0, scene.Services.Shared.Used);
    }

    [Fact]
    public void After_a_reload_that_divides_anew_the_open_connections_count_by_the_new_parts()
    {
        using var scene = new Scene(services: 1);
        Assert.Equal(50, scene.Services.Shared.Size);
        for (var i = 0; i < 40; i++)
            Assert.Null(scene.Planes[0].TryAdmit(int.MaxValue));
        Assert.Equal(0, scene.Services.Shared.Used);

        scene.Add(2);
        scene.Share();
        Assert.Equal(15, scene.Services.Shared.Used);
        Assert.Equal(25 + 35, AdmitAll(scene.Planes[1]));

        scene.Services.Share([scene.Planes[0]], 0);
        Assert.Equal(60, scene.Services.Shared.Used);
    }

    [Fact]
    public void Pipes_leave_half_of_the_shared_places_to_connections()
    {
        var shared = new SharedPlaces { Size = 10 };
        Assert.Equal(5, Enumerable.Range(0, 10).Count(_ => shared.TryTakeForPipe()));
        Assert.Equal(5, Enumerable.Range(0, 10).Count(_ => shared.TryTake()));
        shared.Give();
        Assert.False(shared.TryTakeForPipe());
        Assert.True(shared.TryTake());
    }

    private static int AdmitAll(ServicePlane plane)
    {
        var admitted = 0;
        while (plane.TryAdmit(int.MaxValue) is null)
            admitted++;
        return admitted;
    }

    private sealed class Scene : IDisposable
    {
        private readonly Backends backends = new(1);

        public Scene(int services, int limitOfLast = int.MaxValue)
        {
            for (var id = 1; id <= services; id++)
                Add(id, id == services ? limitOfLast : int.MaxValue);
            Share();
        }

        public Services Services { get; } = new(1, LivePlane.Counts(), _ => Total);

        public List<ServicePlane> Planes { get; } = [];

        public void Add(int id, int limit = int.MaxValue)
        {
            var service = LivePlane.ConfigOf(1).Services[0] with { Name = $"s{id}" };
            service = service with { Tuning = service.Tuning with { MaxConcurrentConnections = limit } };
            var plane = Services.Of(new ServiceId(id));
            plane.Current = backends.SnapshotOf(
                new RoutingTable(new(id), service, [], [], [], Protection: false, Removed: false, []), null);
            Planes.Add(plane);
        }

        public void Share() => Services.Share(Planes, 0);

        public void Dispose()
        {
            Services.Dispose();
            backends.Dispose();
        }
    }
}
