using System.Text.Json;

namespace Bal.EndToEnd.Reloading;

/// <summary><c>bal graceful --dry-run</c> says what a reload would change, and changes nothing.</summary>
public sealed class DryRunTests(ITestOutputHelper output)
{
    [Fact]
    public async Task It_says_what_would_change_and_how_many_connections_would_drain()
    {
        await using var stays = Serving.Echo();
        await using var goes = Serving.Echo();
        await using var comes = Serving.Echo();
        var file = BalFile.For(stays, goes);
        await using var bal = await BalInstance.Healthy(output, file);
        using var one = await bal.Connect();
        using var two = await bal.Connect();
        using var three = await bal.Connect();
        var before = await bal.SeeStatus("three clients", s => s.Active == 3 && s.Backends.Sum(b => b.Active) == 3);
        bal.Write(file with { Backends = [stays.Address, comes.Address], LogLevel = "debug" });

        var text = (await bal.Run("graceful", "--dry-run")).Succeeds().Out;
        var json = Json((await bal.Run("graceful", "--dry-run", "--json")).Succeeds());

        var draining = before.Of(goes.Address).Active;
        Assert.InRange(draining, 1, 2);
        var drains = draining == 1 ? "1 connection drains" : "2 connections drain";
        Assert.Equal(
            $"would_apply: yes\nconfig_version: 1\nmessage: 3 changes would be applied\n" +
            $"change: backend {comes.Address} added\n" +
            $"change: backend {goes.Address} removed; {drains}\n" +
            $"change: log_level info -> debug\nkept: {stays.Address}\n" +
            "next: run 'bal graceful' to apply it; nothing was changed\n", text);
        var removed = Assert.Single(json.GetProperty("backends").GetProperty("removed").EnumerateArray());
        Assert.Equal((goes.Address, draining),
            (removed.GetProperty("address").GetString(), removed.GetProperty("active_connections").GetInt64()));
        await NothingChanged(bal, before);

        (await bal.Run("graceful")).Succeeds();
        await bal.SeeStatus("as it was said", s => s.ConfigVersion == 2
            && s.Of(goes.Address).State == "draining" && s.Of(goes.Address).Active == draining);
    }

    [Fact]
    public async Task A_file_that_would_be_refused_is_said_with_every_fault()
    {
        await using var backend = Serving.Echo();
        await using var bal = await BalInstance.Healthy(output, BalFile.For(backend));
        var before = await bal.Status();
        await File.WriteAllTextAsync(bal.ConfigPath, "port: 70000\nbackends: []\n");

        var text = (await bal.Run("graceful", "--dry-run")).FailsWith(1);
        var json = Json((await bal.Run("graceful", "--dry-run", "--json")).FailsWith(1));

        Assert.StartsWith("would_apply: no\n", text.Out, StringComparison.Ordinal);
        Assert.Contains(
            "port: expected an integer from 1 to 65535, found 70000", text.Error, StringComparison.Ordinal);
        Assert.Contains(
            "backends: expected a list of at least one backend, found an empty list",
            text.Error, StringComparison.Ordinal);
        Assert.False(json.GetProperty("would_apply").GetBoolean());
        Assert.Equal(2, json.GetProperty("findings").EnumerateArray()
            .Count(f => f.GetProperty("severity").GetString() == "error"));
        await NothingChanged(bal, before);
    }

    [Fact]
    public async Task A_port_that_another_process_holds_is_said_and_one_that_is_free_is_not_taken()
    {
        await using var backend = Serving.Echo();
        await using var other = Serving.Echo();
        var file = BalFile.For(backend);
        await using var bal = await BalInstance.Healthy(output, file);
        var before = await bal.Status();

        bal.Write(file with { Port = other.Port });
        var held = Json((await bal.Run("graceful", "--dry-run", "--json")).FailsWith(1));
        Assert.Equal("address_in_use", held.GetProperty("problem").GetProperty("code").GetString());

        var free = Ports.Free();
        bal.Write(file with { Port = free });
        (await bal.Run("graceful", "--dry-run")).Succeeds();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var refused = await Assert.ThrowsAnyAsync<SocketException>(() => socket.ConnectAsync(IPAddress.Loopback, free));
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);

        // bal itself holds the port on another address: a reload would share it, and so does the rehearsal.
        bal.Write(file with { Bind = "0.0.0.0" });
        (await bal.Run("graceful", "--dry-run")).Succeeds();
        bal.Write(file);
        await NothingChanged(bal, before);
        await bal.Exchange();
    }

    private static async Task NothingChanged(BalInstance bal, Harness.Status before)
    {
        var after = await bal.Status();
        Assert.Equal(before.ConfigVersion, after.ConfigVersion);
        Assert.Equal(
            before.Backends.Select(b => (b.Address, b.State)), after.Backends.Select(b => (b.Address, b.State)));
        Assert.Equal(JsonValueKind.Null, after.Root.GetProperty("refused_reload").ValueKind);
        Assert.DoesNotContain(bal.LogLines(), line => line.Contains("\"reload_", StringComparison.Ordinal));
    }

    private static JsonElement Json(Finished run) => JsonDocument.Parse(run.Out).RootElement;
}
