using System.Text;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Infrastructure.Config;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Integration.Config;

/// <summary>What the printer writes, the reader reads back: as text, not only as trees.</summary>
public class YamlRoundTripTests
{
    [Property(MaxTest = 300)]
    public Property A_document_survives_being_written_and_read() => Prop.ForAll(
        Gen.Sized(size => Tree(Math.Min(size, 25))).ToArbitrary(),
        tree => Assert.Equal(Shape(tree), YamlReader.Read(Encoding.UTF8.GetBytes(ConfigPrinter.ToYaml(tree)))
            .Match(Shape, fault => $"{fault.Message} in\n{ConfigPrinter.ToYaml(tree)}")));

    [Property(MaxTest = 300)]
    public Property Any_text_gives_a_document_or_one_error() => Prop.ForAll(
        Gen.Elements("a", "port", ": ", ":", "- ", "\n", "\n  ", "\t", "[", "]", "{", "}", ",", "\"", "'", "&a ",
            "*a", "!t ",
            "|\n", ">\n", "#", "%", "@", "? ", "---\n", "...\n", "\\", "é", "\u2028", "<<", "1").ListOf()
            .Select(parts => string.Concat(parts)).ToArbitrary(),
        text =>
        {
            var outcome = YamlReader.Read(Encoding.UTF8.GetBytes(text));
            Assert.True(outcome.Match(_ => true, fault => fault.At.Line >= 1 && fault.Hint.Length > 0));
        });

    [Property(MaxTest = 300)]
    public void Any_bytes_give_a_document_or_one_error(byte[] bytes) =>
        Assert.True(YamlReader.Read(bytes).Match(_ => true, fault => fault.At.Line >= 1));

    private static Gen<RawNode> Leaf =>
        from text in Gen.OneOf(
            Gen.Elements("", "9295", "a: b", "- x", "#", "'", "\"", "\\", "~", "null", "::", "[::1]", "  ", "*a",
                "&a", "<<", "é\u0007"),
            ArbMap.Default.GeneratorFor<NonNull<string>>().Select(s => s.Get).Where(s => !s.Any(char.IsSurrogate)))
        select (RawNode)new RawNode.Scalar(SourcePosition.Start, text, quoted: true);

    private static Gen<RawNode> Tree(int size) => size <= 1 ? Leaf : Gen.OneOf(
        Leaf,
        Tree(size / 3).ListOf(3).Select(items => (RawNode)new RawNode.Sequence(SourcePosition.Start,
            new Arr<RawNode>(items))),
        Leaf.Zip(Tree(size / 3), (key, value) => new RawEntry(key, value)).ListOf(3)
            .Select(entries => (RawNode)new RawNode.Mapping(SourcePosition.Start, new Arr<RawEntry>(entries))));

    /// <summary>The tree without its positions.</summary>
    private static string Shape(RawNode node) => node.Match(
        scalar => $"\"{scalar.Text}\"",
        list => $"[{string.Join(", ", list.Items.Select(Shape))}]",
        mapping => $"{{{string.Join(", ", mapping.Entries.Select(e => $"{Shape(e.Key)}: {Shape(e.Value)}"))}}}");
}
