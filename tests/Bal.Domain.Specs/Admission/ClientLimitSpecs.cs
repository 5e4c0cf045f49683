using System.Net;
using System.Net.Sockets;
using Bal.Domain.Admission;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Admission;

/// <summary>Who one client is, how often it may come, and when it is forgotten.</summary>
[Properties(Arbitrary = [typeof(ClientLimitSpecs)], MaxTest = 500)]
public class ClientLimitSpecs
{
    private const long Ms = 1_000_000;

    /// <summary>A rate, and pauses in milliseconds between the clients that come.</summary>
    public sealed record Visits(int Rate, int[] Pauses);

    public static Arbitrary<Visits> Some() => Arb.From(
        from rate in Gen.OneOf(Gen.Choose(1, 12), Gen.Elements(97, 1_000, 999_999, 1_000_000))
        from pauses in Gen.ListOf(Gen.Frequency(
            (6, Gen.Constant(0)), (3, Gen.Choose(1, 400)), (1, Gen.Choose(400, 3_000))))
        select new Visits(rate, [.. pauses]));

    [Property]
    public void Within_any_time_no_more_come_in_than_the_size_and_what_comes_back(Visits visits)
    {
        var admitted = AdmittedOf(visits);
        for (var first = 0; first < admitted.Count; first++)
        {
            for (var last = first; last < admitted.Count; last++)
            {
                var within = (admitted[last] - admitted[first]) * visits.Rate / 1_000m;
                Assert.True(last - first + 1 <= visits.Rate + within);
            }
        }
    }

    [Property]
    public void Nobody_is_refused_to_whom_a_token_is_due(Visits visits)
    {
        // The same with fractions, in the ordinary way.
        var (tokens, at, bucket, now) = ((decimal)visits.Rate, 0L, 0L, 1_000_000L);
        foreach (var pause in visits.Pauses)
        {
            now += pause;
            tokens = Math.Min(visits.Rate, tokens + (at == 0 ? visits.Rate : (now - at) * visits.Rate / 1_000m));
            at = now;
            var step = ConnectionRate.Take(bucket, now * Ms, visits.Rate);
            // A token comes back up to a nanosecond later than it should, and one of a million a second is worth 1 us.
            var late = visits.Rate * 0.000_002m * visits.Pauses.Length + visits.Rate * visits.Rate * 0.000_000_001m;
            if (step.Admits)
                Assert.True(tokens >= 1 - late);
            else
                Assert.True(tokens < 1 + late);
            if (step.Admits)
                tokens--;
            bucket = step.FullAt;
        }
    }

    [Property]
    public void Whoever_waits_for_a_second_has_a_full_bucket_again(Visits visits)
    {
        var (bucket, now) = (0L, 5_000L);
        foreach (var pause in visits.Pauses)
        {
            now += pause;
            bucket = ConnectionRate.Take(bucket, now * Ms, visits.Rate).FullAt;
        }

        // Each token may be late by less than a nanosecond, so that a million are late by less than 1 ms.
        Assert.True(ConnectionRate.IsFull(bucket, (now + 1_001) * Ms));
        Assert.False(ConnectionRate.IsFull(ConnectionRate.Take(bucket, now * Ms, visits.Rate).FullAt, now * Ms));
    }

    [Property]
    public void A_refusal_takes_no_token(Visits visits, PositiveInt more)
    {
        var bucket = 0L;
        for (var i = 0; i < Math.Min(visits.Rate, 2_000); i++)
            bucket = ConnectionRate.Take(bucket, Ms, Math.Min(visits.Rate, 2_000)).FullAt;

        for (var i = 0; i < Math.Min(more.Get, 10); i++)
            Assert.Equal(new(false, bucket), ConnectionRate.Take(bucket, Ms, Math.Min(visits.Rate, 2_000)));
    }

    [Property]
    public void A_bucket_goes_on_whatever_the_rate_is_changed_to(Visits before, Visits after)
    {
        var bucket = 0L;
        foreach (var _ in before.Pauses)
            bucket = ConnectionRate.Take(bucket, Ms, before.Rate).FullAt;

        // Whoever has spent everything still has to wait, and nobody for more than a second.
        var rested = ConnectionRate.Take(bucket, Ms + 1_000_000_000 + Ms, after.Rate);
        Assert.True(rested.Admits);
        if (before.Pauses.Length >= before.Rate && after.Rate <= before.Rate)
            Assert.False(ConnectionRate.Take(bucket, Ms, after.Rate).Admits);
    }

    [Property]
    public void Every_address_of_a_64_is_one_client_and_no_other_one_is(byte[] first, byte[] second, bool same)
    {
        var one = Unicast(first);
        var other = same ? [.. one[..8], .. Unicast(second)[8..]] : Unicast(second);

        if (!IsMapped(one) && !IsMapped(other))
            Assert.Equal(one[..8].SequenceEqual(other[..8]), ClientKey.Of(one) == ClientKey.Of(other));
    }

    [Property]
    public void Every_IPv4_address_is_a_client_of_its_own_and_written_in_IPv6_the_same_one(uint one, uint other)
    {
        var (a, b) = (BitConverter.GetBytes(one), BitConverter.GetBytes(other));

        Assert.Equal(one == other, ClientKey.Of(a) == ClientKey.Of(b));
        Assert.Equal(ClientKey.Of(a), ClientKey.Of(new IPAddress(a).MapToIPv6().GetAddressBytes()));
        Assert.NotEqual(ClientKey.Of(a), ClientKey.Of(Unicast(b)));
    }

    [Fact]
    public void The_loopback_addresses_are_clients_like_any_other()
    {
        Assert.NotEqual(ClientKey.Of([127, 0, 0, 1]), ClientKey.Of([127, 0, 0, 2]));
        Assert.NotEqual(ClientKey.Of([127, 0, 0, 1]), ClientKey.Of(IPAddress.IPv6Loopback.GetAddressBytes()));
    }

    [Property]
    public void Who_has_open_connections_is_never_forgotten_and_full_buckets_go_first(
        PositiveInt open, NonNegativeInt fullAt, NonNegativeInt now, NonNegativeInt other)
    {
        Assert.Equal(Forgettable.Never, ForgetRule.Of(open.Get, fullAt.Get, now.Get));
        Assert.Equal(
            fullAt.Get <= now.Get ? Forgettable.First : Forgettable.Lastly, ForgetRule.Of(0, fullAt.Get, now.Get));
        Assert.Equal(fullAt.Get < other.Get, ForgetRule.GoesBefore(fullAt.Get, other.Get));
    }

    [Property]
    public void A_client_has_as_many_connections_as_it_may_wherever_they_are(
        ushort own, ushort elsewhere, ushort limit) =>
        Assert.Equal(own + elsewhere < limit, ClientLimits.Admits(own, elsewhere, limit));

    // The vector of the paper's reference implementation for the bytes 0 to 7.
    [Fact]
    public void The_hash_is_SipHash_2_4() => Assert.Equal(
        0x93f5f5799a932462,
        new SipHash(0x0706050403020100, 0x0f0e0d0c0b0a0908).Of(0x0706050403020100));

    [Property]
    public void Another_key_gives_other_places(ulong key, ulong value) =>
        Assert.NotEqual(new SipHash(key, 1).Of(value), new SipHash(key, 2).Of(value));

    private static List<long> AdmittedOf(Visits visits)
    {
        var (bucket, now, admitted) = (0L, 1_000L, new List<long>());
        foreach (var pause in visits.Pauses)
        {
            now += pause;
            var step = ConnectionRate.Take(bucket, now * Ms, visits.Rate);
            bucket = step.FullAt;
            if (step.Admits)
                admitted.Add(now);
        }

        return admitted;
    }

    // Of a family that clients have: not multicast.
    private static byte[] Unicast(byte[] seed)
    {
        var bytes = new byte[16];
        seed.AsSpan(0, Math.Min(16, seed.Length)).CopyTo(bytes);
        bytes[0] &= 0x7f;
        return bytes;
    }

    private static bool IsMapped(byte[] address) => new IPAddress(address) is
    {
        AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: true,
    };
}
