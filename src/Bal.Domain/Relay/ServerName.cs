namespace Bal.Domain.Relay;

/// <summary>A name by which clients ask for a service.</summary>
/// <param name="Name">A valid host name in lower case, without a final dot.</param>
/// <param name="IsWildcard">
/// Whether it stands for every name that has one label before it, as a certificate's <c>*.</c> does (RFC 6125, section
/// 6.4.3), and not for itself.
/// </param>
public sealed record ServerName(string Name, bool IsWildcard)
{
    /// <summary>How the name of a wildcard begins.</summary>
    public const string Wildcard = "*.";

    /// <summary>The name as the configuration has it.</summary>
    public override string ToString() => IsWildcard ? Wildcard + Name : Name;
}

/// <summary>What the clients of one address want, by the names that they ask for.</summary>
/// <typeparam name="T">What a name stands for.</typeparam>
public sealed class ServerNames<T>
{
    private readonly Dictionary<string, T>.AlternateLookup<ReadOnlySpan<char>> _exact;
    private readonly Dictionary<string, T>.AlternateLookup<ReadOnlySpan<char>> _wildcards;

    /// <summary>Takes names down; of equal ones the first counts.</summary>
    public ServerNames(IEnumerable<KeyValuePair<ServerName, T>> names)
    {
        var (exact, wildcards) = (new Dictionary<string, T>(), new Dictionary<string, T>());
        foreach (var (name, what) in names)
            (name.IsWildcard ? wildcards : exact).TryAdd(name.Name, what);
        _exact = exact.GetAlternateLookup<ReadOnlySpan<char>>();
        _wildcards = wildcards.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>
    /// What a name stands for: that of the name itself, else that of the wildcard of what follows its first label, else
    /// <paramref name="otherwise"/>. It costs the same however many names there are, and allocates nothing.
    /// </summary>
    /// <param name="name">As <see cref="ClientHello"/> gives it.</param>
    /// <param name="otherwise">What stands for every other name.</param>
    public T Find(ReadOnlySpan<char> name, T otherwise) =>
        _exact.TryGetValue(name, out var exact) ? exact
        : name.IndexOf('.') is var dot and >= 0 && _wildcards.TryGetValue(name[(dot + 1)..], out var wildcard)
            ? wildcard
        : otherwise;
}
