using System.Net.Sockets;
using Bal.Domain.Config;
using Bal.Domain.Counting;
using Bal.Domain.Relay;

namespace Bal.Integration.DataPlane;

/// <summary>Which directions are spliced, and from which read on.</summary>
public sealed class ChangeoverSpecs
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void With_auto_a_direction_splices_after_some_large_reads_and_copies_again_after_some_small_ones(bool down)
    {
        using var backend = new Backend();
        using var plane = new LivePlane(RelayMode.Auto, 1, serving: true, backend.Port);
        using var client = plane.Client();
        using var server = backend.Accept();
        var (from, to) = down ? (server, client) : (client, server);
        plane.UntilEstablished(1);
        // More than once: the pipe comes from the pool the second time.
        for (var round = 0; round < 3; round++)
        {
            Pass(SpliceRule.LargeReads - 1, SpliceRule.LargeRead);
            Assert.Equal((0, 0), Spliced(plane));
            Pass(1, SpliceRule.LargeRead);
            Assert.Equal((1, 1), Spliced(plane));

            Pass(SpliceRule.SmallReads - 1, SpliceRule.SmallRead - 1);
            Assert.Equal((1, 1), Spliced(plane));
            Pass(1, SpliceRule.SmallRead - 1);
            Assert.Equal((0, 0), Spliced(plane));
        }

        void Pass(int reads, int length) => ChangeoverSpecs.Pass(plane, from, to, reads, length);
    }

    [Fact]
    public void Each_direction_changes_over_for_itself_and_a_connection_counts_once()
    {
        using var backend = new Backend();
        using var plane = new LivePlane(RelayMode.Auto, 1, serving: true, backend.Port);
        using var client = plane.Client();
        using var server = backend.Accept();
        plane.UntilEstablished(1);

        Pass(plane, server, client, SpliceRule.LargeReads, SpliceRule.LargeRead);
        Pass(plane, client, server, SpliceRule.LargeReads, SpliceRule.LargeRead);
        Assert.Equal((1, 2), Spliced(plane));
        Pass(plane, client, server, SpliceRule.SmallReads, 1);
        Assert.Equal((1, 1), Spliced(plane));
        Pass(plane, server, client, SpliceRule.SmallReads, 1);
        Assert.Equal((0, 0), Spliced(plane));
    }

    [Theory]
    [InlineData(RelayMode.Copy, 0)]
    [InlineData(RelayMode.Splice, 2)]
    public void What_the_file_fixes_stays_whatever_the_reads_are(RelayMode relay, int directions)
    {
        using var backend = new Backend();
        using var plane = new LivePlane(relay, 1, serving: true, backend.Port);
        using var client = plane.Client();
        using var server = backend.Accept();
        plane.UntilEstablished(1);

        Pass(plane, server, client, 3 * SpliceRule.LargeReads, SpliceRule.LargeRead);
        Assert.Equal(directions, Spliced(plane).Directions);
        Pass(plane, server, client, 3 * SpliceRule.SmallReads, 1);
        Assert.Equal(directions, Spliced(plane).Directions);
    }

    /// <summary>Lets bal read exactly so many times, as many bytes each time.</summary>
    private static void Pass(LivePlane plane, Socket from, Socket to, int reads, int length)
    {
        var end = BalsEnd.Of(from);
        var bytes = Sockets.Pattern(length);
        for (var i = 0; i < reads; i++)
        {
            using (plane.Hold())
            {
                from.Send(bytes);
                end.UntilUnread(length);
            }

            Assert.Equal(bytes, to.Read(length));
        }

        plane.Settle();
    }

    private static (long Connections, long Directions) Spliced(LivePlane plane)
    {
        var traffic = plane.Plane.Measure();
        return (traffic.Of(ServiceCounters.SplicedConnections), traffic.Of(ServiceCounters.SplicedDirections));
    }
}
