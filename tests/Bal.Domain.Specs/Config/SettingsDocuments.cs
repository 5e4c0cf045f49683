using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Bal.Domain.Config;

namespace Bal.Domain.Specs.Config;

/// <summary>
/// The tables of docs/configuration.md, the whole of sample/config.advanced.yaml and of the man page bal.yaml(5) come
/// from the table of settings.
/// <c>BAL_WRITE_DOCS=1 dotnet test tests/Bal.Domain.Specs --filter SettingsDocuments</c> writes them anew.
/// </summary>
public sealed partial class SettingsDocuments
{
    private const int Widest = 118;

    [Fact]
    public void The_page_of_the_configuration_says_what_the_table_says()
    {
        var page = File.ReadAllText(Named("docs/configuration.md"));
        var tables = new Dictionary<string, string>
        {
            ["process"] = Table(Settings.Process, row => !row.InRuntime),
            ["service"] = Table(Settings.OfService, _ => true),
            ["backend"] = Table(Settings.OfBackend, _ => true),
            ["check"] = Table(Settings.OfHealthCheck, _ => true),
            ["step"] = Table(CheckKinds.OfStep, _ => true),
            ["proxy"] = Table(Settings.OfProxy, _ => true),
            ["web"] = Table(WebRules.Table, _ => true),
            ["runtime"] = TunedTable(),
            ["threads"] = Table(Settings.Process, row => row.InRuntime),
        };

        Same("docs/configuration.md", Block().Replace(page, match =>
            $"<!-- table: {match.Groups[1]} -->\n{tables[match.Groups[1].Value]}<!-- end of table -->"));
        Assert.Equal(tables.Keys.Order(), Block().Matches(page).Select(match => match.Groups[1].Value).Order());
    }

    [Fact]
    public void The_advanced_sample_has_every_key_with_its_meaning_and_its_default() =>
        Same("sample/config.advanced.yaml", Sample());

    [Fact]
    public void The_man_page_of_the_file_has_every_key() => Same("packaging/bal.yaml.5", string.Concat(
    [
        """
        .\" Made from the table of settings (docs/configuration.md).
        .TH BAL.YAML 5 "" "bal" "File Formats"
        .SH NAME
        bal.yaml \- configuration of the TCP load balancer bal
        .SH DESCRIPTION
        .BR bal (1)
        reads one YAML file:
        .B \-\-config
        .IR FILE ,
        else the one that
        .B BAL_CONFIG
        names, else
        .IR $BAL_HOME/config.yaml ,
        else
        .IR /etc/bal/config.yaml .
        .B bal check
        reports every mistake in it with line, column and remedy, and
        .B bal schema
        prints its JSON Schema for editors.
        .SH EXAMPLE
        .EX
        port: 9295
        backends: [10.0.0.11:5432, 10.0.0.12:5432]
        .EE
        .PP
        Several services in one file have names:
        .PP
        .EX
        services:
          orders\-db: {port: 5432, backends: [10.0.0.11:5432]}
          cache: {port: 6379, backends: [10.0.0.21:6379]}
        runtime: {health_check_interval_ms: 1000}   # of each service that does not say otherwise
        .EE

        """,
        Section("OF THE WHOLE FILE", Settings.Process.Rows.Where(row => !row.InRuntime)),
        Section("OF A SERVICE", Settings.OfService.Rows),
        Section("OF A BACKEND", Settings.OfBackend.Rows),
        Section("OF A HEALTH CHECK", Settings.OfHealthCheck.Rows),
        Section("OF A STEP OF AN EXCHANGE", CheckKinds.OfStep.Rows),
        Section("OF THE PROXY PROTOCOL", Settings.OfProxy.Rows),
        Section("OF THE PAGE", WebRules.Table.Rows),
        Section("IN RUNTIME, OF A SERVICE", Settings.Runtime.Rows),
        Section("IN RUNTIME, OF THE WHOLE FILE", Settings.Process.Rows.Where(row => row.InRuntime)),
        ".SH SEE ALSO\n.BR bal (1)\n",
    ]));

    private static string Section<T>(string title, IEnumerable<Setting<T>> rows) =>
        $".SH {title}\n" + string.Concat(rows.Select(row =>
            $".TP\n.B {Troff(row.Key)}\n{Troff(Meaning(row))}\nValue: {Troff(Values(row.Kind))}."
            + $" Default: {Troff(Tuned(row))}.\n"));

    private static string Tuned<T>(Setting<T> row) => row.Defaults.Count > 1 && row.DefaultText.Length == 0
        ? $"{Default(row, 0)} for 1 or 2 backends, {Default(row, 1)} for 3 to 5, {Default(row, 2)} for more"
        : Default(row, 0);

    // `code` in bold; what roff would take for its own is escaped (groff_char(7)).
    private static string Troff(string text) => Regex.Replace(
        text.Replace("\\", "\\e").Replace("-", "\\-"), "`([^`]*)`", "\\fB$1\\fR") switch
    {
        ['.' or '\'', ..] special => $"\\&{special}",
        var plain => plain,
    };

    private static void Same(string file, string expected)
    {
        if (Environment.GetEnvironmentVariable("BAL_WRITE_DOCS") == "1")
            File.WriteAllText(Named(file), expected);
        Assert.True(File.Exists(Named(file)) && File.ReadAllText(Named(file)) == expected,
            $"{file} differs from the table of settings: run BAL_WRITE_DOCS=1 dotnet test tests/Bal.Domain.Specs "
                + "--filter SettingsDocuments");
    }

    private static string Table<T>(SettingTable<T> table, Func<Setting<T>, bool> chosen) =>
        "| key | value | default | meaning |\n|---|---|---|---|\n"
        + string.Concat(table.Rows.Where(chosen).Select(row =>
            $"| `{row.Key}` | {Values(row.Kind)} | {Default(row, 0)} | {Meaning(row)} |\n"));

    private static string TunedTable() =>
        "| key | value | 1-2 backends | 3-5 | 6 and more | meaning |\n|---|---|---|---|---|---|\n"
        + string.Concat(Settings.Runtime.Rows.Select(row =>
            $"| `{row.Key}` | {Values(row.Kind)} | {Default(row, 0)} | {Default(row, 1)} | {Default(row, 2)} | "
            + $"{Meaning(row)} |\n"));

    private static string Values(Kind kind) => Regex.Replace(
        kind.Expected.Replace(" to 2147483647 (milliseconds)", " ms or more").Replace(" to 2147483647", " or more"),
        "an integer from ", "");

    private static string Meaning<T>(Setting<T> row) =>
        row.Meaning + (row.AtRestart ? " A change takes effect at the next start." : "");

    private static string Default<T>(Setting<T> row, int column) =>
        row.Required ? "required"
        : row.DefaultText.Length > 0 ? row.DefaultText
        : Raw.ToText(row.Kind.Print(row.Defaults[Math.Min(column, row.Defaults.Count - 1)])) is { Length: > 0 } text
            ? $"`{text}`"
            : "none";

    private static string Sample() => string.Join("\n\n",
    [
        Comment(0, "Every key with its default. Numbers under 'runtime' are those for one or two backends; a key that "
            + "is left out has the value for the number of backends in use. This file is made from the table of "
            + "settings (docs/configuration.md)."),
        .. Settings.Process.Rows.Where(row => !row.InRuntime).Select(row => Entry(0, row)),
        .. Settings.OfService.Rows.Select(row => Entry(0, row)),
        Comment(0, "Where connections go: at least one backend, each as host and port or as HOST:PORT.")
            + "\nbackends:\n  - host: \"127.0.0.1\"\n    port: 9000\n  - 127.0.0.1:9001",
        Comment(0, "Times are in milliseconds.") + "\nruntime:\n" + string.Join("\n",
        [
            .. Settings.Runtime.Rows.Select(row => Entry(2, row)),
            .. Settings.Process.Rows.Where(row => row.InRuntime).Select(row => Entry(2, row)),
        ]),
        Comment(0, "Several services in one file have names under 'services' instead; 'runtime' above is then the "
            + "default of each:") + "\n# services:\n#   orders-db: {port: 5432, backends: [10.0.0.11:5432]}\n"
            + "#   cache: {port: 6379, backends: [10.0.0.21:6379]}\n",
    ]);

    private static string Entry<T>(int indent, Setting<T> row)
    {
        var mode = row.Key == "mode" ? "advanced" : null;
        var value = row.Kind.Print(row.Defaults[0]);
        var text = mode ?? ConfigPrinter.ToYaml(value).TrimEnd('\n');
        var tuned = row.Defaults.Count > 1
            ? $"; for 3 to 5 backends {Raw.ToText(row.Kind.Print(row.Defaults[1]))}, for more "
                + $"{Raw.ToText(row.Kind.Print(row.Defaults[2]))}"
            : "";
        var line = text == "~" ? $"# {row.Key}: (none)"
            : value is RawNode.Mapping ? $"{row.Key}:\n  {text.Replace("\n", "\n  ")}"
            : $"{row.Key}: {text}";
        return Comment(indent, $"{Meaning(row).Replace("`", "'")} ({Values(row.Kind)}{tuned})")
            + "\n" + new string(' ', indent) + line;
    }

    private static string Comment(int indent, string text)
    {
        var lines = new List<string> { "" };
        foreach (var word in text.Split(' '))
            if (lines[^1].Length + word.Length + indent + 3 > Widest)
                lines.Add(word);
            else
                lines[^1] += lines[^1].Length == 0 ? word : $" {word}";
        return string.Join("\n", lines.Select(line => $"{new string(' ', indent)}# {line}"));
    }

    private static string Named(string file, [CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "../../..", file);

    [GeneratedRegex("<!-- table: ([a-z]+) -->\n.*?<!-- end of table -->", RegexOptions.Singleline)]
    private static partial Regex Block();
}
