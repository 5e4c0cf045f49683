using System.Text.RegularExpressions;
using System.Xml.Linq;
using Bal.Infrastructure.Html;
using LanguageExt;

namespace Bal.Simulation;

/// <summary>The page: a picture that a browser can draw, and nothing that has to be fetched.</summary>
public sealed partial class HtmlSpecs
{
    private const string Storm = """
        duration: 5m
        client_rate: 20
        events:
          - {at: 1m, backend: all, do: refuse}
          - {at: 2m, backend: all, do: recover}
          - {at: 3m, backend: 1, do: flap}
          - {at: 4m, do: crash, for: 3s}
        expect: [{failed: 0}]
        """;

    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Fact]
    public void The_picture_is_well_formed_and_shows_lanes_states_faults_marks_and_protection()
    {
        var report = Scenarios.Run(Storm);
        var svg = Picture(SimulationHtml.Write(Prelude.Array(report)));
        var classes = svg.Descendants(Svg + "rect").Select(r => (string?)r.Attribute("class")).ToList();
        foreach (var kind in (string[])["up", "down", "absent", "fault", "mark", "lost", "protect", "band"])
            Assert.Contains(kind, classes);
        var words = svg.Descendants(Svg + "text").Select(t => t.Nodes().OfType<XText>().First().Value).ToList();
        foreach (var backend in report.Backends)
            Assert.Contains(backend.Endpoint.ToString(), words);
        Assert.Contains("protection mode", words);
        Assert.Contains("refuse", words);
        Assert.Equal(report.Protection.Count, classes.Count(c => c == "protect"));
    }

    [Fact]
    public void Who_cannot_see_the_picture_is_told_what_it_shows()
    {
        var svg = Picture(SimulationHtml.Write(Prelude.Array(Scenarios.Run(Storm))));
        Assert.Equal("img", (string?)svg.Attribute("role"));
        var labels = ((string?)svg.Attribute("aria-labelledby"))!.Split(' ');
        Assert.Equal(2, labels.Length);
        foreach (var id in labels)
            Assert.Contains(svg.Elements(), e => (string?)e.Attribute("id") == id && e.Value.Length > 0);
        Assert.Matches(@"Protection mode was on (1 time|\d+ times)\.", svg.Element(Svg + "desc")!.Value);
    }

    [Fact]
    public void Nothing_is_fetched_and_nothing_runs()
    {
        var page = SimulationHtml.Write(Prelude.Array(Scenarios.Run(Storm)));
        Assert.DoesNotMatch(
            "(?i)<(script|link|img|iframe|object|embed|base)|src=|href=|url\\(|@import|javascript:|\\son[a-z]+=", page);
        Assert.Equal([Svg.NamespaceName], Addresses().Matches(page).Select(m => m.Value).Distinct());
    }

    [Fact]
    public void Every_bar_lies_within_the_picture()
    {
        var svg = Picture(SimulationHtml.Write(Prelude.Array(Scenarios.Run(Storm))));
        var size = ((string?)svg.Attribute("viewBox"))!.Split(' ').Select(double.Parse).ToArray();
        foreach (var rect in svg.Descendants(Svg + "rect"))
        {
            Assert.InRange((double)rect.Attribute("x")! + (double)rect.Attribute("width")!, 0, size[2]);
            Assert.InRange((double)rect.Attribute("y")! + (double)rect.Attribute("height")!, 0, size[3]);
            Assert.True((double)rect.Attribute("width")! > 0 && (double)rect.Attribute("height")! > 0);
        }
    }

    [Fact]
    public void A_name_cannot_become_markup()
    {
        var report = Scenarios.Run(Storm) with
        {
            ScenarioName = "/x/<script>alert(1)</script>.yaml",
            ConfigName = "\"><b>",
        };
        var page = SimulationHtml.Write(Prelude.Array(report));
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>", page, StringComparison.Ordinal);
        Assert.NotNull(Picture(page));
    }

    [Fact]
    public void A_day_of_flapping_is_still_a_small_page()
    {
        var report = Scenarios.Run(
            "duration: 24h\nclient_rate: 1\nevents: [{at: 0s, backend: 1, do: flap, down: 1s, up: 2s}]");
        Assert.InRange(SimulationHtml.Write(Prelude.Array(report)).Length, 10_000, 1_000_000);
    }

    [Fact]
    public void Two_runs_of_one_page_do_not_share_an_identity()
    {
        var report = Scenarios.Run(Storm);
        var page = SimulationHtml.Write(Prelude.Array(report, report));
        var ids = Identities().Matches(page).Select(m => m.Value).ToList();
        Assert.Equal(4, ids.Count);
        Assert.Equal(ids.Count, ids.Distinct().Count());
    }

    private static XElement Picture(string page)
    {
        var (from, to) =
            (page.IndexOf("<svg", StringComparison.Ordinal), page.IndexOf("</svg>", StringComparison.Ordinal));
        return XElement.Parse(page[from..(to + "</svg>".Length)]);
    }

    [GeneratedRegex("https?://[^\"'<> ]+")]
    private static partial Regex Addresses();

    [GeneratedRegex(" id=\"[^\"]+\"")]
    private static partial Regex Identities();
}
