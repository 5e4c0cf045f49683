using System.Text.Json;

namespace Bal.EndToEnd.Harness;

/// <summary>What <c>bal status --json</c> says.</summary>
internal sealed class Status(string json)
{
    private readonly JsonElement _root = JsonDocument.Parse(json).RootElement;

    public JsonElement Root => _root;

    public bool Running => _root.GetProperty("running").GetBoolean();

    public int Pid => _root.GetProperty("pid").GetInt32();

    public int Reachable => _root.GetProperty("backend_reachable").GetInt32();

    public long Active => _root.GetProperty("active_connections").GetInt64();

    public long Rejected => _root.GetProperty("rejected_connections").GetInt64();

    public long ConfigVersion => _root.GetProperty("config_version").GetInt64();

    public bool Protected => _root.GetProperty("protection_mode").GetProperty("enabled").GetBoolean();

    public string? ProtectionReason => _root.GetProperty("protection_mode").GetProperty("reason").GetString();

    /// <summary>The process ids of replaced processes, and how many connections each has open.</summary>
    public (int Pid, long Active)[] Previous => [.. _root.GetProperty("previous").EnumerateArray()
        .Select(p => (p.GetProperty("pid").GetInt32(), p.GetProperty("active_connections").GetInt64()))];

    public BackendStatus[] Backends =>
        [.. _root.GetProperty("backends").EnumerateArray().Select(b => new BackendStatus(b))];

    public long Connections => Backends.Sum(b => b.Total);

    public BackendStatus Of(string address) => Backends.Single(b => b.Address == address);

    public override string ToString() => json;
}

/// <summary>One backend of it.</summary>
internal sealed class BackendStatus(JsonElement json)
{
    public string Address => json.GetProperty("address").GetString()!;

    /// <summary>The reason of the last failure; null where there is none.</summary>
    public string? LastFailure => json.GetProperty("last_failure") is { ValueKind: JsonValueKind.Object } last
        ? last.GetProperty("reason").GetString()
        : null;

    /// <summary>How far it is on its way back to all of its share; null where it has all of it.</summary>
    public JsonElement SlowStart => json.GetProperty("slow_start");

    public string State => json.GetProperty("state").GetString()!;

    public bool Reachable => json.GetProperty("reachable").GetBoolean();

    public long Active => json.GetProperty("active_connections").GetInt64();

    public long Total => json.GetProperty("total_connections").GetInt64();

    public long BytesIn => json.GetProperty("bytes_in").GetInt64();

    public long BytesOut => json.GetProperty("bytes_out").GetInt64();

    public long Refused => json.GetProperty("counters").GetProperty("refused").GetInt64();

    public long Timeouts => json.GetProperty("counters").GetProperty("timeout").GetInt64();

    public override string ToString() => json.ToString();
}
