using System.Text;
using Bal.Domain.Recording;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Recording;

/// <summary>
/// What versions of bal can expect of each other, shown with two versions of one record: the later one has three
/// members more, of which one must not be ignored.
/// </summary>
public class CodecSpecs
{
    private static readonly Codec<Earlier> Old = Codec.Of(Body.Document(Body.Of<Earlier>(m => new(
        m.Of("name", Scalar.Text, v => v.Name)))));

    private static readonly Codec<Arr<Part>> Parts = Codec.List(Codec.Object<Part>(m => new(
        m.Of("weight", Scalar.Count, p => p.Weight),
        m.MustKnow("allow", Scalar.Text, p => p.Allow, absent: ""))));

    private static readonly Codec<Later> New = Codec.Of(Body.Document(Body.Of<Later>(m => new(
        m.Of("name", Scalar.Text, v => v.Name),
        m.Of("count", Scalar.Count, v => v.Count, missing: 7),
        m.Of("parts", Parts, v => v.Parts, Arr<Part>.Empty)))));

    private static readonly Codec<Shape> Shaped = Union.Tagged<Shape>("kind")
        .Case<Shape.Point>("point", _ => new())
        .Case<Shape.Circle>("circle", m => new(m.Of("radius", Scalar.Count, s => s.Radius)))
        .Case<Shape.Circle>("ring", m => new(m.Of("r", Scalar.Count, s => s.Radius)))
        .Codec;

    [Property]
    public void What_was_written_is_read_back(string name, ushort count, ushort[] weights)
    {
        var value = new Later(name ?? "", count, new(weights.Select(w => new Part(w, w % 2 == 0 ? "" : "10.0.0.0/8"))));

        Assert.Equal(value, Read(New, Text(New, value)));
    }

    [Property]
    public void A_missing_member_takes_its_default(string name)
    {
        var read = Read(New, Text(Old, new Earlier(name ?? "")));

        Assert.Equal(new Later(name ?? "", 7, Arr<Part>.Empty), read);
    }

    [Fact]
    public void A_missing_member_without_a_default_is_a_fault_that_names_it() =>
        Assert.Equal("parts[1].weight: is missing", Fault(New, """{"name":"a","parts":[{"weight":1},{}]}"""));

    [Property]
    public void An_unknown_member_is_ignored(string name, ushort count)
    {
        var later = Text(New, new Later(name ?? "", count, new([new Part(1, "")])));

        Assert.Equal(new Earlier(name ?? ""), Read(Old, later));
        Assert.DoesNotContain("must_know", later, StringComparison.Ordinal);
    }

    [Property]
    public void An_unknown_member_that_must_be_known_is_refused_and_named(ushort count)
    {
        var later = Text(New, new Later("a", count, new([new Part(1, ""), new Part(2, "10.0.0.0/8")])));

        Assert.EndsWith("\"must_know\":[\"parts[].allow\"]}", later, StringComparison.Ordinal);
        Assert.Equal("it uses 'allow', which this version does not know", Fault(Old, later));
        Assert.Equal("allow", CanonicalJson.Read(Old, Encoding.UTF8.GetBytes(later)).Match(_ => "", f => f.Unknown));
    }

    [Fact]
    public void A_member_that_must_be_known_is_told_without_writing_a_document() => Assert.Equal(
        "parts[].allow",
        Assert.Single(CanonicalJson.MustKnow(
            New, new Later("a", 1, new([new Part(2, "10.0.0.0/8"), new Part(3, "::/0")])))));

    [Fact]
    public void A_member_that_must_be_known_may_be_of_any_later_version() => Assert.Equal(
        "it uses 'nets', which this version does not know",
        Fault(
            New,
            """{"name":"a","parts":[{"weight":1,"allow":"::/0"}],"must_know":["parts[].allow","parts[].tls.nets"]}"""));

    [Fact]
    public void Every_case_of_a_union_is_read_back()
    {
        Shape[] shapes = [new Shape.Point(), new Shape.Circle(3)];

        Assert.Equal(shapes, shapes.Select(shape => Read(Shaped, Text(Shaped, shape))));
    }

    [Fact]
    public void A_word_of_an_earlier_version_is_read_and_no_longer_written()
    {
        Assert.Equal(new Shape.Circle(4), Read(Shaped, """{"kind":"ring","r":4}"""));
        Assert.Equal("""{"kind":"circle","radius":4}""", Text(Shaped, new Shape.Circle(4)));
    }

    [Fact]
    public void A_case_that_is_not_known_is_a_fault_that_names_the_known_ones() => Assert.Equal(
        "kind: expected one of point, circle, ring, found \"square\"", Fault(Shaped, """{"kind":"square"}"""));

    [Property]
    public void Reading_never_throws(byte[] text) =>
        _ = CanonicalJson.Read(New, text).Match(value => value.Count, fault => fault.ToText().Length);

    private static string Text<T>(Codec<T> codec, T value) =>
        Encoding.UTF8.GetString(CanonicalJson.Bytes(codec, value));

    private static T Read<T>(Codec<T> codec, string text) where T : class =>
        CanonicalJson.Read(codec, Encoding.UTF8.GetBytes(text))
            .Match(Right: value => value, Left: fault => throw new InvalidOperationException(fault.ToText()));

    private static string Fault<T>(Codec<T> codec, string text) where T : class =>
        CanonicalJson.Read(codec, Encoding.UTF8.GetBytes(text)).Match(_ => "", fault => fault.ToText());

    private sealed record Earlier(string Name);

    private sealed record Later(string Name, int Count, Arr<Part> Parts);

    private sealed record Part(int Weight, string Allow);

    private abstract record Shape
    {
        public sealed record Point : Shape;

        public sealed record Circle(int Radius) : Shape;
    }
}
