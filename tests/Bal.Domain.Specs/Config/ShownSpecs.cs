using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Config;

/// <summary>How a value of the file appears in a message about it.</summary>
public class ShownSpecs
{
    private static readonly string[] Integers = ["0", "65536", "-1"];

    [Property]
    public Property A_value_is_shown_in_quotes_unless_it_is_a_plain_integer() => Prop.ForAll(
        Gen.Elements([.. Integers, "http", "1e3", "a.b_c:d", "", " ", "a b", "x,y", "-", "+1"])
            .Zip(Gen.Elements(true, false))
            // A key without a value is another fault.
            .Where(value => value is not ("", false)).ToArbitrary(),
        value =>
        {
            var (text, quoted) = value;
            var draft = Draft.Valid();
            draft.Add(draft.Top, "port", text, quoted);

            var inQuotes = draft.OnlyFinding().Message.Contains($"\"{text}\"", StringComparison.Ordinal);

            Assert.Equal(quoted || !Integers.Contains(text), inQuotes);
        });
}
