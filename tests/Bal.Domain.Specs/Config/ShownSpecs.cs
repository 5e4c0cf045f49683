using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Config;

/// <summary>How a value of the file appears in a message about it.</summary>
public class ShownSpecs
{
    private static readonly string[] Plain = ["http", "0", "65536", "1e3", "a.b_c:d+e-f/g%h[i]", "-1"];

    [Property]
    public Property A_value_is_shown_in_quotes_where_the_file_has_quotes_or_it_would_be_hard_to_see() => Prop.ForAll(
        Gen.Elements([.. Plain, "", " ", "a b", "x,y"]).Zip(Gen.Elements(true, false))
            // A key without a value is another fault.
            .Where(value => value is not ("", false)).ToArbitrary(),
        value =>
        {
            var (text, quoted) = value;
            var draft = Draft.Valid();
            draft.Add(draft.Top, "port", text, quoted);

            var inQuotes = draft.OnlyFinding().Message.Contains($"\"{text}\"", StringComparison.Ordinal);

            Assert.Equal(quoted || !Plain.Contains(text), inQuotes);
        });
}
