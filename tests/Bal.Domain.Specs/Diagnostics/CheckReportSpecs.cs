using Bal.Domain.Config;
using Bal.Domain.Reports;
using Bal.Domain.Specs.Config;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Diagnostics;

/// <summary>The text of <c>bal check</c>, to the letter.</summary>
public class CheckReportSpecs
{
    [Fact]
    public void A_sound_file_is_four_lines() => Assert.Equal(
        "result: OK\nbackends: 2\nwarnings: 0\nnext: run 'bal doctor'\n", Report(Draft.Valid()).ToText());

    [Fact]
    public void A_warning_is_said_in_three_lines_and_leaves_the_result()
    {
        var report = Report(WithWarning());

        Assert.False(report.Failed);
        Assert.Equal(
            ["result: OK", "backends: 2", "warnings: 1", "what_happened", "why_likely", "do_this_now",
                "next: run 'bal doctor'"],
            Lines(report));
    }

    [Fact]
    public void Under_strict_a_warning_fails_the_check_and_that_is_said()
    {
        var report = Report(WithWarning(), strict: true);

        Assert.True(report.Failed);
        Assert.Equal(
            ["result: FAILED", "backends: 2", "errors: 0", "warnings: 1", "strict: on (warnings fail the check)",
                "what_happened", "why_likely", "do_this_now",
                "next: correct the warnings above, or run 'bal check' without --strict"],
            Lines(report));
        Assert.False(Report(Draft.Valid(), strict: true).Failed);
    }

    [Fact]
    public void Each_error_is_said_in_three_lines_with_its_place_and_its_remedy()
    {
        var draft = Draft.Valid();
        var at = draft.Add(draft.Top, "port", "0");
        draft.Add(draft.Top, "method", "x");

        var report = Report(draft);

        Assert.Equal(
            ["result: FAILED", "backends: 2", "errors: 2", "warnings: 0",
                "what_happened", "why_likely", "do_this_now", "what_happened", "why_likely", "do_this_now",
                "next: correct the errors above, then run 'bal check' again"],
            Lines(report));
        Assert.Contains(
            $"what_happened: /c.yaml:{at.Line}:3: error: port: expected an integer from 1 to 65535, found 0\n",
                report.ToText());
        Assert.Contains("do_this_now: choose a value from 1 to 65535\n", report.ToText());
    }

    [Fact]
    public void A_missing_file_names_every_place_that_was_looked_at()
    {
        var missing = new ConfigLocation.Missing(Prelude.Array("/h/config.yaml", "/etc/bal/config.yaml"),
            ConfigSource.System);

        var text = CheckReport.Of(missing, strict: false).ToText();

        Assert.Contains("what_happened: /h/config.yaml: error: there is no configuration file; "
            + "looked at /h/config.yaml, then /etc/bal/config.yaml\n", text);
    }

    [Property(Arbitrary = [typeof(Trees)])]
    public void No_line_of_the_concise_text_is_indented_or_without_a_label(RawNode tree)
    {
        var report = new CheckReport("/c.yaml", ConfigValidation.Validate(tree, HostFacts.Unknown), false);

        Assert.All(report.ToText().TrimEnd('\n').Split('\n'), line => Assert.Matches("^[a-z_]+: .", line));
    }

    [Fact]
    public void Verbose_adds_the_path_and_the_configuration_in_effect()
    {
        var text = Report(Draft.Valid()).ToVerboseText();

        Assert.StartsWith("result: OK\nbackends: 2\nwarnings: 0\n", text);
        Assert.Contains("\nconfig_path: /c.yaml\n", text);
        Assert.Contains("\n  max_concurrent_connections: 4000\n", text);
        Assert.EndsWith("\nnext: run 'bal doctor'\n", text);
    }

    private static CheckReport Report(Draft draft, bool strict = false) => new("/c.yaml", draft.Validate(), strict);

    private static Draft WithWarning()
    {
        var draft = Draft.Valid();
        draft.Add(draft.Top, "bind_address", "::");
        return draft;
    }

    /// <summary>The lines of the text, of the three-line blocks only the labels.</summary>
    private static IEnumerable<string> Lines(CheckReport report) => report.ToText().TrimEnd('\n').Split('\n')
        .Select(line => line.Split(':')[0] is "what_happened" or "why_likely" or "do_this_now"
            ? line.Split(':')[0] : line);
}
