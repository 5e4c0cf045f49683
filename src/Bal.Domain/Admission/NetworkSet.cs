using System.Buffers.Binary;

namespace Bal.Domain.Admission;

/// <summary>
/// Addresses, given as networks: kept as the fewest ranges, in order, so that sets of the same addresses are equal
/// however they were written. Looking one up takes at most 20 steps, since there are at most <see cref="Most"/>.
/// </summary>
public sealed class NetworkSet : IEquatable<NetworkSet>
{
    /// <summary>How many networks a configuration may have in all.</summary>
    public const int Most = 1_000_000;

    // Of IPv4 most sets have nothing else, and a quarter of the memory is a quarter of the cache.
    private readonly uint[] first4, last4;
    private readonly UInt128[] first6, last6;
    private readonly int hash;

    private NetworkSet(uint[] first4, uint[] last4, UInt128[] first6, UInt128[] last6)
    {
        (this.first4, this.last4, this.first6, this.last6) = (first4, last4, first6, last6);
        var sum = default(HashCode);
        sum.AddBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(first4.AsSpan()));
        sum.AddBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(first6.AsSpan()));
        hash = sum.ToHashCode();
    }

    /// <summary>No address at all.</summary>
    public static NetworkSet Empty { get; } = new([], [], [], []);

    /// <summary>Whether it has no address.</summary>
    public bool IsEmpty => Ranges == 0;

    /// <summary>How many ranges it is kept as.</summary>
    public int Ranges => first4.Length + first6.Length;

    /// <summary>The fewest networks of the same addresses, IPv4 first, in order.</summary>
    public IEnumerable<Network> Networks
    {
        get
        {
            for (var i = 0; i < first4.Length; i++)
            {
                foreach (var network in Split(false, first4[i], last4[i]))
                    yield return network;
            }

            for (var i = 0; i < first6.Length; i++)
            {
                foreach (var network in Split(true, first6[i], last6[i]))
                    yield return network;
            }
        }
    }

    /// <summary>The set of what these networks have.</summary>
    public static NetworkSet Of(IEnumerable<Network> networks)
    {
        var (v4, v6) = (new List<Network>(), new List<Network>());
        foreach (var network in networks)
            (network.IsIPv6 ? v6 : v4).Add(network);
        if (v4.Count + v6.Count == 0)
            return Empty;
        Merge(v4);
        Merge(v6);
        return new(
            [.. v4.Select(one => (uint)one.First)], [.. v4.Select(one => (uint)one.Last)],
            [.. v6.Select(one => one.First)], [.. v6.Select(one => one.Last)]);
    }

    /// <summary>Whether it has an address of 4 or 16 bytes in network order.</summary>
    public bool Covers(ReadOnlySpan<byte> address)
    {
        var plain = Primitives.Ipv4Mapped.Plain(address);
        return plain.Length == 4
            ? Covers(first4, last4, BinaryPrimitives.ReadUInt32BigEndian(plain))
            : Covers(first6, last6, BinaryPrimitives.ReadUInt128BigEndian(plain));
    }

    /// <inheritdoc/>
    public bool Equals(NetworkSet? other) => ReferenceEquals(this, other) || (other is not null && hash == other.hash
        && first4.AsSpan().SequenceEqual(other.first4) && last4.AsSpan().SequenceEqual(other.last4)
        && first6.AsSpan().SequenceEqual(other.first6) && last6.AsSpan().SequenceEqual(other.last6));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as NetworkSet);

    /// <inheritdoc/>
    public override int GetHashCode() => hash;

    private static bool Covers<T>(T[] first, T[] last, T address) where T : IComparable<T>
    {
        var at = first.AsSpan().BinarySearch(address);
        return at >= 0 || (at < -1 && last[~at - 1].CompareTo(address) >= 0);
    }

    // In order, and no two that overlap or touch.
    private static void Merge(List<Network> networks)
    {
        networks.Sort((one, other) => one.First.CompareTo(other.First));
        var kept = 0;
        foreach (var next in networks.ToArray())
        {
            if (kept > 0 && (next.First <= networks[kept - 1].Last || next.First - 1 == networks[kept - 1].Last))
                networks[kept - 1] = networks[kept - 1] with
                {
                    Last = UInt128.Max(networks[kept - 1].Last, next.Last),
                };
            else
                networks[kept++] = next;
        }

        networks.RemoveRange(kept, networks.Count - kept);
    }

    // From its first address on the largest network that begins there and ends in the range.
    private static IEnumerable<Network> Split(bool v6, UInt128 first, UInt128 last)
    {
        var bits = v6 ? 128 : 32;
        while (true)
        {
            var size = Math.Min(first == 0 ? bits : (int)UInt128.TrailingZeroCount(first), bits);
            UInt128 End() => first + (size == 128 ? UInt128.MaxValue : (UInt128.One << size) - 1);
            while (End() > last)
                size--;
            yield return new Network(v6, first, End());
            if (End() == last)
                yield break;
            first = End() + 1;
        }
    }
}
