using System.Collections.Concurrent;
using System.Text.Json;

namespace Bal.Infrastructure.DataPlane;

/// <summary>What a service or a backend is called, as text and as a JSON string.</summary>
internal sealed record AccessLabel(string Text, byte[] Json)
{
    /// <summary>One that has no name.</summary>
    public static readonly AccessLabel None = new("", "null"u8.ToArray());

    public static AccessLabel Of(string text) =>
        new(text, [(byte)'"', .. JsonEncodedText.Encode(text).EncodedUtf8Bytes, (byte)'"']);
}

/// <summary>
/// What services and backends are called. The supervisor adds and retires names, the thread that writes the access log
/// reads them; what has been retired stays until no record can mean it any more.
/// </summary>
internal sealed class AccessLabels
{
    private readonly ConcurrentDictionary<int, AccessLabel> services = new();
    private readonly ConcurrentDictionary<int, AccessLabel> backends = new();
    private readonly ConcurrentQueue<Retiring> retired = new();

    private sealed record Retiring(ConcurrentDictionary<int, AccessLabel> From, int Id, AccessLabel Label);

    /// <summary>From now on a service is called so.</summary>
    public void NameService(int id, string name) => services[id] = AccessLabel.Of(name);

    /// <summary>From now on a backend is called so.</summary>
    public void NameBackend(int id, string name) => backends[id] = AccessLabel.Of(name);

    /// <summary>No loop will write of it any more, unless it is named again.</summary>
    public void RetireService(int id) => Retire(services, id);

    /// <summary>No loop will write of it any more, unless it is named again.</summary>
    public void RetireBackend(int id) => Retire(backends, id);

    /// <summary>The name of a service.</summary>
    public AccessLabel OfService(int id) => services.GetValueOrDefault(id, AccessLabel.None);

    /// <summary>The name of a backend.</summary>
    public AccessLabel OfBackend(int id) => backends.GetValueOrDefault(id, AccessLabel.None);

    /// <summary>How many have been retired by now.</summary>
    public int Retired => retired.Count;

    /// <summary>
    /// Forgets the first <paramref name="count"/> of those that have been retired: every record that was written
    /// before then has been taken.
    /// </summary>
    public void Forget(int count)
    {
        for (; count > 0 && retired.TryDequeue(out var gone); count--)
            _ = gone.From.TryRemove(new(gone.Id, gone.Label));
    }

    private void Retire(ConcurrentDictionary<int, AccessLabel> names, int id)
    {
        if (names.TryGetValue(id, out var label))
            retired.Enqueue(new(names, id, label));
    }
}
