using Bal.Domain.Relay;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>Why two services cannot have the same address.</summary>
public abstract record AddressConflict
{
    private AddressConflict() { }

    /// <summary>Neither has <c>server_names</c>.</summary>
    public sealed record NoNames : AddressConflict;

    /// <summary>They differ in a key that the address has once.</summary>
    /// <param name="Block">The block that has the key; empty where it stands beside the address.</param>
    /// <param name="Key">The key.</param>
    /// <param name="Value">The value of the later one.</param>
    /// <param name="Other">That of the earlier one.</param>
    public sealed record Differs(string Block, string Key, string Value, string Other) : AddressConflict
    {
        /// <summary>The key as messages name it.</summary>
        public string Path => Block.Length == 0 ? Key : $"{Block}.{Key}";
    }

    /// <summary>They have a name in common.</summary>
    /// <param name="Name">The name.</param>
    public sealed record SameName(ServerName Name) : AddressConflict;

    /// <summary>Applies the function of the case that this conflict is.</summary>
    public T Match<T>(Func<T> noNames, Func<Differs, T> differs, Func<ServerName, T> sameName) => this switch
    {
        NoNames => noNames(),
        Differs d => differs(d),
        SameName n => sameName(n.Name),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}

/// <summary>
/// The services on one address: the names of all but one tell them apart, and they agree on what the address has once.
/// Joining costs as much as a service has names.
/// </summary>
/// <param name="serviceOf">The service of a member.</param>
/// <typeparam name="T">A service with whatever is known of it.</typeparam>
public sealed class SharedAddress<T>(Func<T, Service> serviceOf)
    where T : class
{
    // A later key of the kind is one more entry.
    private static readonly SharedKey[] Keys =
    [
        SharedKey.In(Settings.RuntimeBlock, Settings.Backlog, Settings.Runtime, service => service.Tuning),
        SharedKey.In(Settings.Proxy, Settings.AcceptFrom, Settings.OfProxy, service => service.Proxy),
        SharedKey.In("", Settings.Freebind, Settings.OfService, service => service),
        SharedKey.In("", Settings.SocketMode, Settings.OfService, service => service),
    ];

    private readonly List<T> _members = [];
    private readonly Dictionary<ServerName, T> _names = [];
    private T? _nameless;

    /// <summary>Those that have joined, in order.</summary>
    public IReadOnlyList<T> Members => _members;

    /// <summary>
    /// Whose the connections are whose service is not yet known: the one without names, else the first.
    /// </summary>
    public T Owner => _nameless ?? _members[0];

    /// <summary>The one for clients that ask for no name, or for none of the others.</summary>
    public Option<T> Nameless => Prelude.Optional(_nameless);

    /// <summary>Adds a service.</summary>
    /// <returns>Each conflict with an earlier one, and with whom; none where they can share the address.</returns>
    public Arr<KeyValuePair<AddressConflict, T>> Join(T member)
    {
        var conflicts = new List<KeyValuePair<AddressConflict, T>>();
        var service = serviceOf(member);
        if (_members.Count > 0)
        {
            var first = serviceOf(_members[0]);
            foreach (var key in Keys.Where(key => key.Of(service) != key.Of(first)))
                Add(new AddressConflict.Differs(key.Block, key.Key, key.Of(service), key.Of(first)), _members[0]);
        }

        if (service.ServerNames.IsEmpty && _nameless is not null)
            Add(new AddressConflict.NoNames(), _nameless);
        else if (service.ServerNames.IsEmpty)
            _nameless = member;
        foreach (var name in service.ServerNames.Distinct().Where(name => !_names.TryAdd(name, member)))
            Add(new AddressConflict.SameName(name), _names[name]);
        _members.Add(member);
        return new(conflicts);

        void Add(AddressConflict conflict, T with) => conflicts.Add(KeyValuePair.Create(conflict, with));
    }

    private sealed record SharedKey(string Block, string Key, Func<Service, string> Of)
    {
        public static SharedKey In<TBlock>(
            string block, string key, SettingTable<TBlock> table, Func<Service, TBlock> of)
        {
            var row = table.Rows.Find(row => row.Key == key).IfNone(
                () => throw new System.Diagnostics.UnreachableException());
            return new(block, key, service => Raw.ToText(row.Print(of(service))) is { Length: > 0 } text
                ? text
                : "unset");
        }
    }
}
