using System.Diagnostics;
using System.Text;

namespace Bal.EndToEnd.Controlling;

/// <summary>Whoever talks nonsense to the control socket harms neither the operator nor the clients.</summary>
public sealed class ControlSocketTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("make me a sandwich\n")]
    [InlineData("status")]
    [InlineData("\0\0\0\0")]
    [InlineData("huge")]
    public async Task Nonsense_is_answered_or_dropped_and_status_still_works(string request)
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        using (var control = await Control(bal))
        {
            try
            {
                await control.Write(request == "huge" ? new byte[10_000_000] : Encoding.UTF8.GetBytes(request));
                control.Shutdown(SocketShutdown.Send);
            }
            catch (SocketException)
            {
                // It may hang up as soon as it has seen enough.
            }

            await Answer(control);
        }

        Assert.True((await bal.Status()).Running);
        await bal.Exchange();
        (await bal.Run("graceful")).Succeeds();
    }

    [Fact]
    public async Task A_request_that_comes_one_byte_at_a_time_is_understood()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        using var control = await Control(bal);
        foreach (var letter in "status\n"u8.ToArray())
            await control.Write(new[] { letter });
        Assert.Contains("\"running\": true", await Answer(control), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hundred_idle_clients_keep_neither_status_nor_graceful_nor_traffic_waiting()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        var idle = new List<Socket>();
        for (var i = 0; i < 100; i++)
            idle.Add(await Control(bal));

        var clock = Stopwatch.StartNew();
        (await bal.Run("status", "--json")).Succeeds();
        (await bal.Run("graceful")).Succeeds();
        await bal.Exchange();
        // An idle client would be let go of after 5 s: nobody has waited for that.
        Assert.InRange(clock.ElapsedMilliseconds, 0, 4_900);

        foreach (var socket in idle)
            socket.Dispose();
    }

    [Fact]
    public async Task Clients_that_never_finish_a_request_are_dropped_in_bounded_time()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        using var control = await Control(bal);
        await control.Write("stat"u8.ToArray());
        await Answer(control);
        Assert.True((await bal.Status()).Running);
    }

    private static Task<Socket> Control(BalInstance bal) => ControlSocket.Connect(bal);

    private static Task<string> Answer(Socket control) => ControlSocket.Answer(control);
}
