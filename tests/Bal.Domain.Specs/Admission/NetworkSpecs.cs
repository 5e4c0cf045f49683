using System.Net;
using System.Net.Sockets;
using System.Text;
using Bal.Domain.Admission;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Reload;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Admission;

/// <summary>Which addresses a list has, and how lists are read.</summary>
[Properties(Arbitrary = [typeof(NetworkSpecs)], MaxTest = 500)]
public class NetworkSpecs
{
    /// <summary>Networks that often touch and overlap, of both families, as they are written.</summary>
    public static Arbitrary<IPNetwork> Written() => Arb.From(
        from v6 in Gen.Elements(false, false, true)
        from prefix in v6 ? Gen.OneOf(Gen.Choose(0, 128), Gen.Choose(118, 128)) : Gen.OneOf(
            Gen.Choose(0, 32), Gen.Choose(22, 32))
        from low in Gen.Choose(0, 1023)
        from high in Gen.Elements(0, 0, 0, 1, 255)
        select NetworkOf(v6, prefix, low, high));

    [Property]
    public void A_set_has_an_address_exactly_if_one_of_its_networks_has_it(IPNetwork[] networks, IPNetwork near)
    {
        var set = SetOf(networks);
        foreach (var address in networks.Append(near).SelectMany(Edges))
            Assert.Equal(networks.Any(network => network.Contains(address)), set.Covers(address.GetAddressBytes()));
    }

    [Property]
    public void Sets_of_the_same_addresses_are_equal_however_they_are_written(IPNetwork[] networks)
    {
        var set = SetOf(networks);
        var again = NetworkSet.Of(set.Networks);

        Assert.Equal(set, again);
        Assert.Equal(set.GetHashCode(), again.GetHashCode());
        Assert.Equal(set, SetOf([.. networks.Reverse(), .. networks.Take(1)]));
        // The fewest: no two neighbours are the halves of a larger one.
        var all = set.Networks.ToArray();
        for (var i = 1; i < all.Length; i++)
        {
            var (one, other) = (all[i - 1], all[i]);
            Assert.False(one.IsIPv6 == other.IsIPv6 && other.First - one.First == one.Last - one.First + 1
                && one.Prefix == other.Prefix && (one.First & (other.Last - one.First)) == 0, $"{one} and {other}");
        }
    }

    [Property]
    public void A_network_is_read_as_it_is_printed(IPNetwork network)
    {
        var read = Right($"{network}");
        Assert.Equal(read, Right($"{read}"));
        Assert.Equal(network.PrefixLength, read.Prefix);
        Assert.True(network.Contains(IPAddress.Parse($"{read}".Split('/')[0])));
    }

    [Property]
    public void An_address_inside_of_IPv6_is_the_IPv4_address(IPNetwork[] networks)
    {
        var set = SetOf(networks);
        foreach (var address in networks.SelectMany(Edges).Where(a => a.AddressFamily == AddressFamily.InterNetwork))
            Assert.Equal(set.Covers(address.GetAddressBytes()), set.Covers(address.MapToIPv6().GetAddressBytes()));
    }

    [Property]
    public void Deny_wins_and_with_allow_only_those_may_connect(IPNetwork[] allow, IPNetwork[] deny, IPNetwork near)
    {
        var rule = new AccessRule(
            AccessList.None with { Given = SetOf(allow) }, AccessList.None with { InFiles = SetOf(deny) });
        foreach (var address in allow.Concat(deny).Append(near).SelectMany(Edges))
            Assert.Equal(
                !deny.Any(n => n.Contains(address)) && (allow.Length == 0 || allow.Any(n => n.Contains(address))),
                rule.Admits(address.GetAddressBytes()));
    }

    [Fact]
    public void A_file_without_networks_allows_nobody()
    {
        var rule = new AccessRule(
            AccessList.None with { Files = LanguageExt.Prelude.Array("/empty") }, AccessList.None);
        Assert.False(rule.Admits([127, 0, 0, 1]));
    }

    [Property]
    public void A_reload_says_that_a_file_has_changed(IPNetwork[] before, IPNetwork[] after)
    {
        var file = AccessList.None with { Files = LanguageExt.Prelude.Array("/list") };
        var service = Settings.BlankService;
        var changes = SettingChanges.OfService(
            service with { Access = new(AccessList.None, file with { InFiles = SetOf(before) }) },
            service with { Access = new(AccessList.None, file with { InFiles = SetOf(after) }) });

        Assert.Equal(
            SetOf(before).Equals(SetOf(after)) ? [] : new[] { "deny (its files)" }, changes.Map(c => c.Key));
    }

    [Property]
    public void A_file_gives_its_networks_whatever_stands_around_them(IPNetwork[] networks, bool crlf)
    {
        var lines = networks.Select((n, i) => (i % 3) switch { 0 => $"{n}", 1 => $"  {n}\t# {i}", _ => $"# x\n\n{n}" });
        var outcome = Read(string.Join(crlf ? "\r\n" : "\n", lines));

        Assert.Empty(outcome.Findings);
        Assert.Equal(networks.Length, outcome.Count);
        Assert.Equal(SetOf(networks), outcome.Networks);
    }

    [Theory]
    [InlineData("10.0.0.0/8\n 10.1.2.3/8", "list:2:2: expected an address or a network, found \"10.1.2.3/8\": it has "
        + "bits set behind its prefix", "the network meant may be 10.0.0.0/8")]
    [InlineData("2001:db8::1/32", "list:1:1: expected an address or a network, found \"2001:db8::1/32\": it has bits "
        + "set behind its prefix", "the network meant may be 2001:db8::/32")]
    [InlineData("10.0.0.0/33", "list:1:1: expected an address or a network, found \"10.0.0.0/33\": the prefix is not a "
        + "number from 0 to 32", "write it as in 10.0.0.0/8")]
    [InlineData("010.0.0.1", "list:1:1: expected an address or a network, found \"010.0.0.1\": not an address or a "
        + "network", "write it as 10.0.0.0/8, 10.1.2.3 or 2001:db8::/32")]
    [InlineData("root:$6$secret:1:0", "list:1:1: expected an address or a network, found other text: not an address or "
        + "a network", "write it as 10.0.0.0/8, 10.1.2.3 or 2001:db8::/32")]
    public void A_wrong_line_is_named_by_file_line_and_column(string text, string message, string hint)
    {
        var finding = Assert.Single(Read(text).Findings);
        Assert.Equal((message, hint), (finding.Message, finding.Hint));
    }

    [Property]
    public void Of_a_file_nothing_is_shown_but_what_a_network_could_consist_of(byte[] bytes)
    {
        foreach (var finding in NetworkFile.Read("list", bytes, NetworkSet.Most).Findings)
        {
            var shown = finding.Message.Split('"') is [_, var token, _] ? token : "";
            Assert.InRange(shown.Length, 0, 49);
            Assert.All(shown, c => Assert.True(char.IsAsciiLetterOrDigit(c) || c is '.' or ':' or '/'));
            Assert.DoesNotContain(finding.Message, char.IsControl);
        }
    }

    [Fact]
    public void What_is_wrong_with_a_file_has_a_limit_and_so_has_what_it_may_hold()
    {
        Assert.Equal(NetworkFile.MostFindings, Read(string.Join('\n', Enumerable.Repeat("?", 1_000))).Findings.Count);
        var finding = Assert.Single(
            NetworkFile.Read("list", "10.0.0.1\n10.0.0.2\n10.0.0.3"u8, 2).Findings, f => f.Severity == Severity.Error);
        Assert.StartsWith("list:3:1: the configuration has more than 1000000 networks", finding.Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1.2.3")]
    [InlineData("1.2.3.4.5")]
    [InlineData("1.2.3.256")]
    [InlineData("0x7f.0.0.1")]
    [InlineData("fe80::1%2")]
    [InlineData("[::1]")]
    [InlineData("::1.2.3")]
    [InlineData("10.0.0.0/")]
    [InlineData("10.0.0.0/08")]
    [InlineData("10.0.0.0/8/8")]
    [InlineData("::/129")]
    [InlineData("")]
    public void Forms_that_only_some_programs_take_are_refused(string text) => Assert.True(Network.Read(text).IsLeft);

    private static NetworkFileOutcome Read(string text) =>
        NetworkFile.Read("list", Encoding.UTF8.GetBytes(text), NetworkSet.Most);

    private static Network Right(string text) => Network.Read(text).Match(
        Right: network => network, Left: fault => throw new InvalidOperationException($"{text}: {fault.Reason}"));

    private static NetworkSet SetOf(IPNetwork[] networks) => NetworkSet.Of(networks.Select(n => Right($"{n}")));

    private static IPNetwork NetworkOf(bool v6, int prefix, int low, int high)
    {
        var bytes = new byte[v6 ? 16 : 4];
        (bytes[0], bytes[^2], bytes[^1]) = ((byte)(v6 ? 0x20 : 10 + high), (byte)(low >> 8), (byte)low);
        for (var bit = prefix; bit < bytes.Length * 8; bit++)
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return new IPNetwork(new IPAddress(bytes), prefix);
    }

    // Where a mistake would show: the ends of a network, and what lies beside them.
    private static IEnumerable<IPAddress> Edges(IPNetwork network)
    {
        var first = network.BaseAddress.GetAddressBytes();
        var last = (byte[])first.Clone();
        for (var bit = network.PrefixLength; bit < last.Length * 8; bit++)
            last[bit / 8] |= (byte)(0x80 >> (bit % 8));
        yield return new(first);
        yield return new(last);
        yield return new(Moved(first, -1));
        yield return new(Moved(last, 1));
    }

    private static byte[] Moved(byte[] address, int by)
    {
        var moved = (byte[])address.Clone();
        for (var i = moved.Length - 1; i >= 0; i--)
        {
            moved[i] = (byte)(moved[i] + by);
            if (moved[i] != (by > 0 ? 0 : 255))
                break;
        }

        return moved;
    }
}
