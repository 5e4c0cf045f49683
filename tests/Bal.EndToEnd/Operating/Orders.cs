using System.Text;
using System.Text.Json;
using Bal.EndToEnd.Controlling;

namespace Bal.EndToEnd.Operating;

/// <summary>Orders and what is seen of them.</summary>
internal static class Orders
{
    /// <summary>What is ordered of a backend: its drain and its weight by command.</summary>
    public sealed record Held(bool Drained, int? Weight)
    {
        public static readonly Held Nothing = new(false, null);
    }

    /// <summary>Asks the daemon itself; null where it ended before it answered.</summary>
    public static async Task<JsonElement?> Order(this BalInstance bal, string request)
    {
        try
        {
            using var control = await ControlSocket.Connect(bal);
            await control.Write(Encoding.UTF8.GetBytes(request + "\n"));
            var text = await ControlSocket.Answer(control);
            return text.EndsWith("}\n", StringComparison.Ordinal) ? JsonDocument.Parse(text).RootElement : null;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    public static Held OrderedOf(this Status status, string address)
    {
        var held = status.Root.GetProperty("backends").EnumerateArray()
            .Single(b => b.GetProperty("address").GetString() == address).GetProperty("override");
        return held.ValueKind == JsonValueKind.Null ? Held.Nothing : new Held(
            held.GetProperty("action").GetString() == "drain",
            held.GetProperty("weight") is { ValueKind: JsonValueKind.Number } weight ? weight.GetInt32() : null);
    }

    public static string FilePath(this BalInstance bal) => Path.Combine(bal.Home, "overrides.json");

    public static async Task CrashAndStart(this BalInstance bal)
    {
        var pid = bal.Pid;
        Posix.KillIfThere(pid);
        await Eventually.Holds($"process {pid} is gone", () => !ProcFs.IsAlive(pid));
        (await bal.Run("start", "-d")).Succeeds();
    }
}
