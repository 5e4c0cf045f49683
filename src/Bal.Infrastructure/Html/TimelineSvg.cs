using System.Globalization;
using System.Text;
using Bal.Domain.Primitives;
using Bal.Domain.Simulation;
using LanguageExt;

namespace Bal.Infrastructure.Html;

/// <summary>What a colour of the picture means.</summary>
/// <param name="Class">The class that gives the colour.</param>
/// <param name="Meaning">What it stands for.</param>
internal sealed record LegendKey(string Class, string Meaning);

/// <summary>
/// The timeline of a run as a picture: a lane for each backend with its state as colour and its fault as a line below,
/// client connects that failed as marks on top of it, clients without a backend in a lane of their own, protection mode
/// as a band over everything.
/// </summary>
internal static class TimelineSvg
{
    private const int Width = 1060;
    private const int Left = 190;
    private const int Right = 20;
    private const int Top = 44;
    private const int Lane = 64;
    private const int Bar = 20;
    private const int MarkHeight = 14;
    private const double Plot = Width - Left - Right;

    public static Arr<LegendKey> Legend { get; } = new(
    [
        new("up", "up"),
        new("cooling", "cooling"),
        new("down", "down"),
        new("draining", "draining"),
        new("absent", "not configured, or bal not running"),
        new("fault", "what the scenario did to the backend"),
        new("mark", "client connects that failed"),
        new("lost", "clients without a backend"),
        new("protect", "protection mode"),
    ]);

    /// <summary>The svg element.</summary>
    /// <param name="run">The run.</param>
    /// <param name="number">Tells this picture from others on the same page.</param>
    public static string Write(SimulationReport run, int number)
    {
        var svg = new StringBuilder();
        var lanes = run.Backends.Count;
        var height = Top + (lanes + 2) * Lane + 6;
        svg.Append($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" role=\"img\" ");
        svg.Append($"aria-labelledby=\"title-{number} desc-{number}\">\n");
        svg.Append($"<title id=\"title-{number}\">Timeline of {Html(Path.GetFileName(run.ScenarioName))}</title>\n");
        svg.Append($"<desc id=\"desc-{number}\">{Html(Describe(run))}</desc>\n");
        Axis(svg, run, height);
        Protection(svg, run, height);
        for (var i = 0; i < lanes; i++)
            Backend(svg, run, run.Backends[i], Top + i * Lane);
        Clients(svg, run, Top + lanes * Lane);
        return svg.Append("</svg>\n").ToString();
    }

    // A text description, for those who cannot see the picture.
    private static string Describe(SimulationReport run)
    {
        var text = new StringBuilder();
        foreach (var backend in run.Backends)
        {
            text.Append($"{run.NameOf(backend)} was in rotation for {backend.InRotation.ToText()} ");
            text.Append($"and out for at most {backend.LongestOut.ToText()} in one piece. ");
        }

        text.Append($"Protection mode was on {Plural.Of(run.Protection.Count, "time")}. ");
        return text.Append($"{run.Totals.Served} clients were served, {run.Totals.Failed} failed.").ToString();
    }

    private static void Axis(StringBuilder svg, SimulationReport run, int height)
    {
        var step = StepOf(run.Scenario.Length.Milliseconds);
        for (var at = 0L; at <= run.Scenario.Length.Milliseconds; at += step)
        {
            var x = X(at, run);
            svg.Append(CultureInfo.InvariantCulture,
                $"<line class=\"grid\" x1=\"{x:0.##}\" x2=\"{x:0.##}\" y1=\"{Top - 10}\" ");
            svg.Append($"y2=\"{height - 4}\"/>\n");
            svg.Append(CultureInfo.InvariantCulture,
                $"<text class=\"soft\" text-anchor=\"middle\" x=\"{x:0.##}\" y=\"{Top - 18}\">");
            svg.Append($"{Label(at)}</text>\n");
        }
    }

    private static void Protection(StringBuilder svg, SimulationReport run, int height)
    {
        var top = height - Lane - 2;
        svg.Append($"<text x=\"0\" y=\"{top + 15}\">protection mode</text>\n");
        Rect(svg, "absent", 0, run.Scenario.Length.Milliseconds, top, Bar, run, "protection mode off");
        foreach (var on in run.Protection)
        {
            Rect(svg, "band", on.From.Milliseconds, on.To.Milliseconds, Top - 10, top - Top + 10, run, "");
            Rect(svg, "protect", on.From.Milliseconds, on.To.Milliseconds, top, Bar, run,
                $"protection mode on from {on.From.ToClock()} to {on.To.ToClock()}");
        }
    }

    private static void Backend(StringBuilder svg, SimulationReport run, BackendHistory backend, int top)
    {
        svg.Append($"<text x=\"0\" y=\"{top + MarkHeight + 15}\">{Html(Cut(run.NameOf(backend)))}");
        svg.Append($"<title>{Html(run.NameOf(backend))}</title></text>\n");
        foreach (var span in Visible(backend.Lane, run))
            State(svg, span, top + MarkHeight, run,
                $"{run.NameOf(backend)} {LaneText.Of(span.State)} from {span.During.From.ToClock()} to "
                + $"{span.During.To.ToClock()}");
        foreach (var fault in backend.Faults)
            Disturbance(svg, backend, fault, top + MarkHeight + Bar + 3, run);
        Marks(svg, "mark", backend.Failures, top, run, "failed connect", "failed connects");
    }

    // The worse, the lower: who cannot tell the colours apart still sees it.
    private static void State(StringBuilder svg, LaneSpan span, int top, SimulationReport run, string title)
    {
        var height = Bar - Badness(span.State) * 3;
        Rect(svg, LaneText.Of(span.State), span.During.From.Milliseconds, span.During.To.Milliseconds,
            top + Bar - height, height,
            run, title);
    }

    private static void Disturbance(
        StringBuilder svg, BackendHistory backend, FaultSpan fault, int top, SimulationReport run)
    {
        var (from, to) = (fault.During.From.Milliseconds, fault.During.To.Milliseconds);
        Rect(svg, "fault", from, to, top, 4, run,
            $"{run.NameOf(backend)} {fault.Fault.ToText()} from {fault.During.From.ToClock()} to "
            + $"{fault.During.To.ToClock()}");
        // About seven units a letter; a word that does not fit would run into the next one.
        if (X(to, run) - X(from, run) >= fault.Fault.Word.Length * 7)
            svg.Append(CultureInfo.InvariantCulture,
                $"<text class=\"word\" x=\"{X(from, run):0.##}\" y=\"{top + 15}\">")
                .Append($"{fault.Fault.Word}</text>\n");
    }

    private static void Clients(StringBuilder svg, SimulationReport run, int top)
    {
        svg.Append($"<text x=\"0\" y=\"{top + MarkHeight}\">clients without a backend</text>\n");
        Marks(svg, "lost", run.Trouble, top, run, "client without a backend", "clients without a backend");
        svg.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" ");
        svg.Append($"y1=\"{top + MarkHeight}\" y2=\"{top + MarkHeight}\"/>\n");
    }

    // The height tells how many, on a scale of roots: one is seen, and a thousand still fit.
    private static void Marks(
        StringBuilder svg, string kind, Arr<Burst> bursts, int top, SimulationReport run, string one, string several)
    {
        var most = bursts.IsEmpty ? 1 : bursts.Max(b => b.Count);
        var width = Math.Max(1.6, Plot / SimulationReport.Parts);
        foreach (var burst in bursts)
        {
            var height = 4 + (MarkHeight - 5) * Math.Sqrt((double)burst.Count / most);
            svg.Append(CultureInfo.InvariantCulture,
                $"<rect class=\"{kind}\" x=\"{X(burst.At.Milliseconds, run):0.##}\" ");
            svg.Append(CultureInfo.InvariantCulture,
                $"y=\"{top + MarkHeight - 1 - height:0.##}\" width=\"{width:0.##}\" height=\"{height:0.##}\">");
            svg.Append($"<title>{Plural.Of(burst.Count, one, several)} from {burst.At.ToClock()} on</title></rect>\n");
        }
    }

    private static void Rect(
        StringBuilder svg, string kind, long from, long to, int top, int height, SimulationReport run, string title)
    {
        var width = Math.Max(0.7, X(to, run) - X(from, run));
        svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"{kind}\" x=\"{X(from, run):0.##}\" y=\"{top}\" ");
        svg.Append(CultureInfo.InvariantCulture, $"width=\"{width:0.##}\" height=\"{height}\"");
        svg.Append(title.Length == 0 ? "/>\n" : $"><title>{Html(title)}</title></rect>\n");
    }

    // Where thousands of changes would be drawn into a few pixels, neighbours too short to be seen are one, as bad as
    // the worst.
    private static IEnumerable<LaneSpan> Visible(Arr<LaneSpan> lane, SimulationReport run)
    {
        var pixel = run.Scenario.Length.Milliseconds / Plot / 2;
        LaneSpan? pending = null;
        foreach (var span in lane)
        {
            if (pending is null)
                pending = span;
            else if (pending.During.Length.Milliseconds >= pixel || span.During.Length.Milliseconds >= pixel)
            {
                yield return pending;
                pending = span;
            }
            else
            {
                pending = new LaneSpan(
                    pending.During with { To = span.During.To },
                    Badness(span.State) > Badness(pending.State) ? span.State : pending.State);
            }
        }

        if (pending is not null)
            yield return pending;
    }

    private static int Badness(LaneState state) => state switch
    {
        LaneState.Down => 4,
        LaneState.Cooling => 3,
        LaneState.Draining => 2,
        LaneState.Absent => 1,
        LaneState.Up or _ => 0,
    };

    private static double X(long ms, SimulationReport run) =>
        Left + Plot * Math.Clamp(ms, 0, run.Scenario.Length.Milliseconds) / run.Scenario.Length.Milliseconds;

    private static long StepOf(long length)
    {
        foreach (var step in (long[])[100, 250, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000,
            300_000,
            600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 43_200_000])
        {
            if (length / step <= 10)
                return step;
        }

        return 86_400_000;
    }

    private static string Label(long ms) => ms % 1_000 != 0
        ? $"{ms / 1_000}.{ms % 1_000 / 10:00} s"
        : ms < 3_600_000
            ? $"{ms / 60_000}:{ms / 1_000 % 60:00}" : $"{ms / 3_600_000}:{ms / 60_000 % 60:00}:{ms / 1_000 % 60:00}";

    private static string Cut(string name) => name.Length <= 26 ? name : name[..25] + "…";

    private static string Html(string text) => SimulationHtml.Text(text);
}
