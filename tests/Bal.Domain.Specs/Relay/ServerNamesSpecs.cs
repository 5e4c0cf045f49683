using Bal.Domain.Relay;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Relay;

/// <summary>What a name stands for (docs/behaviour.md, Names in TLS).</summary>
[Properties(Arbitrary = [typeof(ServerNamesSpecs)], MaxTest = 500)]
public class ServerNamesSpecs
{
    private const int Nothing = -1;

    /// <summary>Names of few labels, so that they often match.</summary>
    private static Gen<string> Few =>
        from count in Gen.Choose(1, 4)
        from labels in Gen.Elements("a", "b").ArrayOf(count)
        select string.Join('.', labels);

    public static Arbitrary<ServerName> All() => (
        from name in Few from wild in Gen.Elements(false, true) select new ServerName(name, wild)).ToArbitrary();

    public static Arbitrary<string> Asked() => Few.ToArbitrary();

    [Property]
    public void A_name_stands_for_what_its_text_says_and_else_for_what_a_whole_label_before_a_wildcard_says(
        ServerName[] names, string asked)
    {
        var found = new ServerNames<int>(names.Select((name, i) => KeyValuePair.Create(name, i))).Find(asked, Nothing);

        var exact = System.Array.FindIndex(names, name => !name.IsWildcard && name.Name == asked);
        var wild = System.Array.FindIndex(names, name => name.IsWildcard && Covers(name.ToString(), asked));
        Assert.Equal(exact >= 0 ? exact : wild, found);
    }

    [Property]
    public void Looking_up_allocates_nothing(ServerName[] names, string asked)
    {
        var table = new ServerNames<int>(names.Select((name, i) => KeyValuePair.Create(name, i)));
        table.Find(asked, Nothing);
        var before = GC.GetAllocatedBytesForCurrentThread();
        table.Find(asked, Nothing);

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Theory]
    [InlineData("*.example.org", "www.example.org", true)]
    [InlineData("*.example.org", "example.org", false)]
    [InlineData("*.example.org", "a.www.example.org", false)]
    [InlineData("*.example.org", "www.example.org.uk", false)]
    [InlineData("*.org", "example.org", true)]
    [InlineData("example.org", "www.example.org", false)]
    public void A_wildcard_is_exactly_one_label(string name, string asked, bool found)
    {
        var wild = name.StartsWith(ServerName.Wildcard, StringComparison.Ordinal);
        var table = new ServerNames<int>([KeyValuePair.Create(new ServerName(wild ? name[2..] : name, wild), 1)]);

        Assert.Equal(found ? 1 : Nothing, table.Find(asked, Nothing));
    }

    private static bool Covers(string wildcard, string name)
    {
        var (pattern, labels) = (wildcard.Split('.'), name.Split('.'));
        return pattern.Length == labels.Length && pattern[1..].SequenceEqual(labels[1..]);
    }
}
