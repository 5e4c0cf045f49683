using Bal.Domain.Backend;
using Bal.Domain.Primitives;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Backend;

/// <summary>Bytes as the file writes them, and what may be shown of those that are secret.</summary>
public class OctetsSpecs
{
    [Property]
    public void What_is_printed_is_read_as_the_same_bytes(byte[] bytes)
    {
        var octets = Octets.Of(bytes);
        Assert.Equal(octets, Octets.Read(octets.ToString()));
        Assert.Equal(octets, Octets.ReadHex(Convert.ToHexString(bytes)));
        Assert.All(octets.ToString(), c => Assert.InRange(c, ' ', '~'));
    }

    [Theory]
    [InlineData("\\q")]
    [InlineData("a\\")]
    [InlineData("\\x4")]
    [InlineData("\\xg0")]
    public void Another_escape_is_an_error(string text) => Assert.True(Octets.Read(text).IsLeft);

    [Property]
    public void Secrets_are_equal_where_as_much_is_known_of_both(byte[] one, byte[] other)
    {
        var (first, second) = (Secret.Of(Octets.Of(one)), Secret.Of(Octets.Of(other)));
        Assert.Equal(one.Length == other.Length, first == second);
        Assert.Equal(first, Secret.Unknown(first.ToString()));
        Assert.Equal(one.Length == 1 ? "(1 byte)" : $"({one.Length} bytes)", first.ToString());
    }
}
