using System.Net;
using System.Net.Sockets;
using Bal.Domain.Config;
using Bal.Domain.Primitives;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Config;

/// <summary>Whether somebody else accepts the same connections already, by another address.</summary>
public sealed class AddressTableSpecs
{
    /// <summary>One entry: where, whether for IPv6 only, and who.</summary>
    public sealed record Entry(Endpoint Endpoint, bool IPv6Only, string Owner);

    public static Arbitrary<Entry[]> Entries() => Gen.ArrayOf(
        from host in Gen.Elements(
            "127.0.0.1", "127.0.0.2", "0.0.0.0", "::", "::1", "fd00::1", "db.internal", "localhost")
        from port in Gen.Elements(80, 443)
        from only in Gen.Elements(false, true)
        from owner in Gen.Elements("a", "b", "c", "d")
        select new Entry(
            new Endpoint(
                IPAddress.TryParse(host, out var address) ? new Host.Address(address) : new Host.Name(host),
                port),
            only,
            owner)).ToArbitrary();

    [Property(Arbitrary = [typeof(AddressTableSpecs)], MaxTest = 500)]
    public void Somebody_is_found_exactly_where_an_earlier_entry_of_another_owner_takes_the_same(Entry[] entries)
    {
        var table = new AddressTable<string>();
        var entered = new List<Entry>();
        foreach (var entry in entries)
        {
            var others = entered.Where(e => e.Owner != entry.Owner && SameConnections(e, entry))
                .Select(e => e.Owner).ToList();

            var found = table.Enter(entry.Endpoint, entry.IPv6Only, entry.Owner);

            Assert.Equal(others.Count > 0, found is not null);
            if (found is not null)
                Assert.Contains(found, others);
            entered.Add(entry);
        }
    }

    private static bool SameConnections(Entry one, Entry other) =>
        one.Endpoint.Port == other.Endpoint.Port && !one.Endpoint.Host.Equals(other.Endpoint.Host)
        && (Takes(one, other) || Takes(other, one));

    // One that listens everywhere takes what comes to an address of its families.
    private static bool Takes(Entry everywhere, Entry other) =>
        everywhere.Endpoint.Host is Host.Address { Value: var any }
        && other.Endpoint.Host is Host.Address { Value: var address }
        && (any.Equals(IPAddress.Any) ? IsIPv4(address) || BothFamilies(other)
            : any.Equals(IPAddress.IPv6Any) && (!IsIPv4(address) || !everywhere.IPv6Only));

    private static bool IsIPv4(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork;

    private static bool BothFamilies(Entry entry) =>
        entry is { IPv6Only: false, Endpoint.Host: Host.Address { Value: var address } }
        && address.Equals(IPAddress.IPv6Any);
}
