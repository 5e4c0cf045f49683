using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Bal.EndToEnd.Watching;
using Microsoft.Playwright;

namespace Bal.EndToEnd.Pages;

/// <summary>The page in a real browser: what an operator sees, on any screen, with the keyboard alone.</summary>
public sealed class PageTests(ITestOutputHelper output, Browser browser) : IClassFixture<Browser>
{
    private static readonly int[] Widths = [360, 768, 1280, 2560];
    private static readonly ColorScheme[] Schemes = [ColorScheme.Light, ColorScheme.Dark];

    [Fact]
    public async Task It_follows_live_and_says_what_is_wrong_since_when_why_and_what_to_do()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        var (bal, web) = await Start(one, two);
        await using var running = bal;
        await using var page = await browser.Open(web);
        await page.Sees("all is well", "#overall", text => text == "OK");
        await page.Sees("nothing is wrong", "#wrong", text => text == "Nothing is wrong.");

        // The machine may be busy with other tests: what it can do, it does in one of some rounds.
        var fastest = (Down: TimeSpan.MaxValue, Up: TimeSpan.MaxValue);
        for (var round = 0; round < 5 && (fastest.Down > Soon || fastest.Up > Soon); round++)
        {
            var clock = Stopwatch.StartNew();
            two.Kill();
            await page.Sees("it is down", StateOf(two), text => text.Contains("down", StringComparison.Ordinal));
            fastest.Down = Min(fastest.Down, clock.Elapsed);
            clock.Restart();
            two.Revive();
            await page.Sees("it is up", StateOf(two), text => text.Contains("up", StringComparison.Ordinal));
            fastest.Up = Min(fastest.Up, clock.Elapsed);
        }

        output.WriteLine($"down is seen after {fastest.Down}, up after {fastest.Up}");
        Assert.True(fastest.Down <= Soon && fastest.Up <= Soon, $"seen after {fastest}");

        two.Kill();
        var wrong = await page.Sees(
            "what is wrong", "#wrong", text => text.Contains("since", StringComparison.Ordinal));
        Assert.Contains("1 of 2 backends unreachable: " + two.Address, wrong, StringComparison.Ordinal);
        Assert.Matches(@"since\s+\d\d:\d\d:\d\dZ, for \d+ s", wrong);
        Assert.Contains("connections are refused", wrong, StringComparison.Ordinal);
        Assert.Matches("do this now\\s+start the service there", wrong);
        Assert.Contains("1 success brings it back", wrong, StringComparison.Ordinal);
        await page.Sees("events in words", "#events", text => text.Contains("went down", StringComparison.Ordinal)
            && text.Contains("came back up", StringComparison.Ordinal));
        Assert.Equal("WARN: bal", await page.Page.TitleAsync());
        // What is wrong comes first.
        Assert.Equal(two.Address, await page.At("tbody .address").First.InnerTextAsync());
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task Rates_and_latencies_follow_the_traffic()
    {
        await using var backend = Serving.Echo();
        var (bal, web) = await Start(backend);
        await using var running = bal;
        await using var page = await browser.Open(web);
        await page.Sees("all is well", "#overall", text => text == "OK");
        using var stop = new CancellationTokenSource();
        var traffic = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
                _ = await bal.Exchange();
        });
        await page.Sees("clients a second", "td[data-name='new/s']", text => Regex.IsMatch(text, "[1-9]"));
        await page.Sees("how long connects take", "td[data-name='connect']", text => text.EndsWith(" ms",
            StringComparison.Ordinal));
        await page.Sees("how long checks take", "td[data-name='check']", text => text.EndsWith(" ms",
            StringComparison.Ordinal));
        await page.Sees("the hour has them", ".chart.new_per_s .most", text => Regex.IsMatch(text, "at most [1-9]"),
            TimeSpan.FromSeconds(60));
        await stop.CancelAsync();
        await traffic;
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task The_hour_outlives_a_reload_of_the_page_and_says_since_when_it_is_known()
    {
        await using var backend = Serving.Echo();
        var (bal, web) = await Start(backend);
        await using var running = bal;
        await using var page = await browser.Open(web);
        var watched = await page.Sees("since when", "#moment-text", text => text.Contains("Watched since",
            StringComparison.Ordinal));
        backend.Kill();
        using var hour = new Web(new Uri(web).Port);
        await Eventually.See("a critical moment is kept", () => hour.Text("/hour.json"),
            json => Regex.IsMatch(json, "\"level\":\\[[^\\]]*2"), TimeSpan.FromSeconds(60));
        backend.Revive();
        await page.Sees("all is well", "#overall", text => text == "OK");
        await page.Page.ReloadAsync();
        await page.Sees("it is still known", ".chart.level .most", text => text.Contains("CRITICAL for",
            StringComparison.Ordinal));
        var since = Regex.Match(watched, @"Watched since (\S+)").Groups[1].Value;
        await page.Sees("the same moment", "#moment-text", text => text.Contains(since, StringComparison.Ordinal));
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task It_fits_every_screen_in_light_and_dark_and_shuts_nobody_out()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        await using var three = Serving.Echo();
        var (bal, web) = await Start(one, two, three);
        await using var running = bal;
        await using var page = await browser.Open(web);
        await page.Sees("all is well", "#overall", text => text == "OK");
        await FitsEverywhere(page, "healthy");
        two.Kill();
        await page.Sees("one is down", "#overall", text => text == "WARN");
        await page.At("tbody button").First.ClickAsync();
        await FitsEverywhere(page, "one-down");
        one.Kill();
        three.Kill();
        await page.Sees("all are down", "#overall", text => text == "CRITICAL");
        await FitsEverywhere(page, "all-down");
        (await bal.Run("stop")).Succeeds();
        await page.Sees("nobody answers", "#stale", text => text.Contains("does not answer", StringComparison.Ordinal));
        // A browser's console says that nobody has answered.
        Assert.DoesNotContain(page.Faults, fault => !fault.Contains("ERR_CONNECTION", StringComparison.Ordinal));
        await FitsEverywhere(page, "stopped");
    }

    [Fact]
    public async Task A_queue_that_is_full_is_seen()
    {
        await using var backend = Serving.Echo();
        var port = Ports.Free();
        var file = BalFile.For(backend) with { MaxConnections = 1, More = $"web: 127.0.0.1:{port}" };
        await using var bal = await BalInstance.Healthy(
            output, file.With("queue_limit", 1).With("queue_timeout_ms", 600_000));
        using var web = new Web(port);
        await web.Answers();
        await using var page = await browser.Open(web.Root);
        using var served = await bal.Connect();
        await served.Write("ping"u8.ToArray());
        _ = await served.Read(4);
        using var waiting = await bal.Connect();
        await bal.SeeStatus("it waits", s => s.Root.GetProperty("queue_length").GetInt64() == 1);
        Assert.Null(await bal.ConnectUnlessReset());

        await page.Sees("who waits", "#services .figures", text => Regex.IsMatch(text, @"waiting\s+1\b"));
        await page.Sees("what is wrong", "#wrong", text => text.Contains("queue_full", StringComparison.Ordinal));
        Assert.Empty(await page.Barriers());
        await page.Picture("queue-full-1280-Light");
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task Everything_is_reached_with_the_keyboard_alone()
    {
        await using var one = Serving.Echo();
        await using var two = Serving.Echo();
        var (bal, web) = await Start(one, two);
        await using var running = bal;
        await using var page = await browser.Open(web);
        await page.Sees("all is well", "#overall", text => text == "OK");
        var keys = page.Page.Keyboard;

        await keys.PressAsync("Tab");
        Assert.Equal("Skip to the services", await Focused(page, "e => e.innerText"));
        await keys.PressAsync("/");
        Assert.Equal("search", await Focused(page, "e => e.id"));
        await keys.TypeAsync(two.Address);
        await page.Sees("one is found", "#found", text => text.StartsWith("1 of 1 backend", StringComparison.Ordinal));
        Assert.Equal(1, await page.Count("tbody button"));
        await keys.PressAsync("Tab");
        Assert.Equal(two.Address, await Focused(page, "e => e.innerText"));
        Assert.NotEqual("none", await Focused(page, "e => getComputedStyle(e).outlineStyle"));
        await keys.PressAsync("Enter");
        await page.Sees("it is explained", "pre", text => text.Contains("state: up", StringComparison.Ordinal));
        // What follows live leaves the focus where it is.
        two.Kill();
        await page.Sees("it is down", "pre", text => text.Contains("state: down", StringComparison.Ordinal));
        Assert.Equal(two.Address, await Focused(page, "e => e.innerText"));
        await keys.PressAsync("Enter");
        Assert.Equal("false", await Focused(page, "e => e.getAttribute('aria-expanded')"));

        await page.At("#moment").FocusAsync();
        await keys.PressAsync("ArrowLeft");
        await page.Sees("an earlier moment", "#moment-text",
            text => text.Contains("watched", StringComparison.OrdinalIgnoreCase)
                && !text.StartsWith("Now", StringComparison.Ordinal));
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task Five_thousand_backends_stay_usable()
    {
        // One server is all of them: everything in 127.0.0.0/8 is this machine.
        await using var alive = Serving.Echo(new IPEndPoint(IPAddress.Any, 0));
        await using var dead = Serving.EchoThatIsDown();
        var services = string.Concat(Enumerable.Range(0, 5).Select(s => string.Create(CultureInfo.InvariantCulture,
            $"  pool-{s}:\n    port: {Ports.Free()}\n    bind_address: 127.0.0.1\n    backends:\n")
            + string.Concat(Enumerable.Range(0, 1_000).Select(b => string.Create(CultureInfo.InvariantCulture,
                $"      - 127.{s + 1}.{b / 250}.{b % 250 + 1}:{(b == 777 ? dead.Port : alive.Port)}\n")))));
        var port = Ports.Free();
        await using var bal = new BalInstance(output);
        await File.WriteAllTextAsync(bal.ConfigPath, string.Create(CultureInfo.InvariantCulture,
            $"web: 127.0.0.1:{port}\nruntime: {{health_check_interval_ms: 60000, health_check_timeout_ms: 20000}}\n")
            + $"services:\n{services}");
        (await bal.Run("start", "-d")).Succeeds();
        using var web = new Web(port);
        await web.Answers();
        await using var page = await browser.Open(web.Root);
        await page.Sees("the dead ones are found", "#facts", text => text.Contains("4,995 of 5,000 backends",
            StringComparison.Ordinal), TimeSpan.FromSeconds(60));

        await page.Sees("some are shown", "#found", text => text.StartsWith("65 of 5,000 backends",
            StringComparison.Ordinal));
        foreach (var first in await page.At("tbody tr:first-child .how").AllInnerTextsAsync())
            Assert.Contains("down", first, StringComparison.Ordinal);
        Assert.InRange(await page.Count("*"), 100, 10_000);
        await page.At("#search").FillAsync("127.3.2.251");
        await page.Sees("there is none", "#found", text => text.StartsWith("0 of 0 backends",
            StringComparison.Ordinal));
        await page.At("#search").FillAsync("127.3.2.25");
        await page.Sees("one is found", "#found", text => text.StartsWith("2 of 2 backends", StringComparison.Ordinal));
        await page.At("#search").FillAsync("down");
        await page.Sees("those are found", "#found", text => text.StartsWith("5 of 5 backends",
            StringComparison.Ordinal));
        foreach (var width in Widths)
        {
            await page.Look(width, ColorScheme.Light);
            Assert.Equal(0, await page.Overhang());
        }

        await page.At("#search").FillAsync("");
        await page.Sees("some are shown", "#found", text => text.StartsWith("65 of", StringComparison.Ordinal));
        await page.Picture("many-1280-Light");
        Assert.Empty(await page.Barriers());
        Assert.Empty(page.Faults);
        var pid = (await bal.Status()).Root.GetProperty("web").GetProperty("pid").GetInt32();
        var resident = Regex.Match(await File.ReadAllTextAsync($"/proc/{pid}/status"), "VmRSS:\\s+(\\d+) kB");
        output.WriteLine(resident.Value);
        Assert.InRange(int.Parse(resident.Groups[1].Value, CultureInfo.InvariantCulture), 1, 45_000);
    }

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private static string StateOf(TestBackend backend) =>
        $"tr[data-backend='default/{backend.Address}'] .state";

    private async Task<(BalInstance Bal, string Web)> Start(params TestBackend[] backends)
    {
        var port = Ports.Free();
        var bal = await BalInstance.Healthy(
            output, BalFile.For(backends) with { More = $"web: 127.0.0.1:{port}" });
        using var web = new Web(port);
        await web.Answers();
        return (bal, web.Root);
    }

    private static async Task FitsEverywhere(Sheet page, string scene)
    {
        foreach (var scheme in Schemes)
        {
            foreach (var width in Widths)
            {
                await page.Look(width, scheme);
                await page.Picture($"{scene}-{width}-{scheme}");
                Assert.True(await page.Overhang() == 0, $"{scene} is wider than {width} pixels");
                if (width is 360 or 1280)
                    Assert.Empty(await page.Barriers());
            }
        }
    }

    private static Task<string> Focused(Sheet page, string what) =>
        page.Page.EvaluateAsync<string>($"({what})(document.activeElement)");
}
