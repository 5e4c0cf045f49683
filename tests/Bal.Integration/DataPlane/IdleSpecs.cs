using System.Diagnostics;

namespace Bal.Integration.DataPlane;

public sealed class IdleSpecs
{
    [Fact]
    public void Traffic_in_one_direction_alone_keeps_a_session_alive_for_any_time()
    {
        using var backend = new Backend();
        using var plane = new LivePlane(1, backend.Port);
        plane.Tune(t => t with { IdleTimeout = new(1_000) });
        using var client = plane.Client();
        using var server = backend.Accept();
        var life = Stopwatch.StartNew();
        while (life.ElapsedMilliseconds < 3_000)
        {
            server.Send("x"u8);
            client.Read(1);
            // Not a wait for something else: the pause is what is tested.
            client.Poll(50_000, System.Net.Sockets.SelectMode.SelectRead);
        }

        Assert.Equal(1, plane.Open);
    }

    [Fact]
    public void A_session_ends_after_the_idle_timeout_and_not_before()
    {
        using var backend = new Backend();
        using var plane = new LivePlane(1, backend.Port);
        plane.Tune(t => t with { IdleTimeout = new(300) });
        var silence = Stopwatch.StartNew();
        using var client = plane.Client();
        using var server = backend.Accept();
        Assert.Empty(client.ReadToEnd().Bytes);
        Assert.Empty(server.ReadToEnd().Bytes);
        Assert.InRange(silence.ElapsedMilliseconds, 290, 5_000);
        plane.Until(() => plane.Open == 0, "the session has ended");
    }

    [Fact]
    public void A_shorter_idle_timeout_reaches_the_sessions_that_are_open_already()
    {
        using var backend = new Backend();
        using var plane = new LivePlane(2, backend.Port);
        using var client = plane.Client();
        using var server = backend.Accept();
        plane.Tune(t => t with { IdleTimeout = new(100) });
        Assert.Empty(client.ReadToEnd().Bytes);
        plane.Until(() => plane.Open == 0, "the session has ended");
    }

    [Fact]
    public async Task An_idle_timeout_with_bytes_undelivered_does_not_look_like_a_complete_answer()
    {
        var answer = Sockets.Pattern(64 * 1024 * 1024);
        using var backend = new Backend();
        using var plane = new LivePlane(1, backend.Port);
        using var client = plane.Client();
        using var server = backend.Accept();
        var sending = Task.Run(() => Record.Exception(() => server.Send(answer)));
        plane.UntilStalled();
        plane.Tune(t => t with { IdleTimeout = new(300) });
        plane.Until(() => plane.Open == 0, "the stalled session has ended");

        var got = client.ReadToEnd();
        Assert.NotEqual(answer.Length, got.Bytes.Length);
        Assert.True(got.Reset);
        await sending;
    }
}
