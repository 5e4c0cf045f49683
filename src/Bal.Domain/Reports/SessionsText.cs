using System.Globalization;
using System.Text;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Reports;

/// <summary>Open connections as an operator reads them.</summary>
public static class SessionsText
{
    private sealed record Column(string Name, Func<OpenSession, string> Text);

    private static readonly Arr<Column> Columns = new(
        new Column[]
        {
            new("CLIENT", s => s.Client.IfNone("-")),
            new("SERVICE", s => s.Service),
            new("BACKEND", s => s.Backend.IfNone("-")),
            new("BACKEND_SOURCE", s => s.BackendSource.IfNone("-")),
            new("STATE", s => s.State),
            new("OPEN", s => new Duration(s.DurationMs).ToText()),
            new("IDLE", s => new Duration(s.IdleMs).ToText()),
            new("IN", s => Amount(s.BytesIn)),
            new("OUT", s => Amount(s.BytesOut)),
        });

    /// <summary>A table with a line for each connection, then how many there are.</summary>
    public static string Of(SessionsReport report)
    {
        var rows = report.Sessions.Map(s => Columns.Map(column => Printable.Line(column.Text(s))));
        var widths = Columns.Select((column, i) => rows.Fold(
            column.Name.Length, (width, row) => Math.Max(width, row[i].Length))).ToArray();
        var text = new StringBuilder();
        if (!rows.IsEmpty)
            Line(Columns.Map(column => column.Name));
        foreach (var row in rows)
            Line(row);
        text.Append(CultureInfo.InvariantCulture, $"open: {report.Total}");
        if (report.Sessions.Count < report.Total)
            text.Append(CultureInfo.InvariantCulture, $" ({report.Sessions.Count} shown)");
        return text.Append('\n').ToString();

        void Line(Arr<string> cells) =>
            text.Append(string.Join("  ", cells.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd()).Append('\n');
    }

    /// <summary>So many bytes, for people.</summary>
    internal static string Amount(long bytes)
    {
        var (value, unit) = ((double)bytes, 0);
        while (value >= 1024 && unit < 4)
            (value, unit) = (value / 1024, unit + 1);
        return unit == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{bytes} B")
            : string.Create(CultureInfo.InvariantCulture, $"{value:0.0} {"KMGT"[unit - 1]}iB");
    }
}
