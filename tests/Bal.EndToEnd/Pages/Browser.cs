using System.Text.Json;
using Microsoft.Playwright;

namespace Bal.EndToEnd.Pages;

/// <summary>Debian's Chromium, driven by Playwright. Every wait for it ends.</summary>
public sealed class Browser : IAsyncLifetime
{
    private const string Chromium = "/usr/bin/chromium";
    private const string AxeCore = "Deque.AxeCore.Commons.Resources.axe.min.js";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async Task InitializeAsync()
    {
        Assert.True(File.Exists(Chromium), $"{Chromium} is missing: run 'apt-get install chromium'");
        _playwright = await Playwright.CreateAsync().WaitAsync(Patience);
        _browser = await _playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Chromium,
            Timeout = (float)Patience.TotalMilliseconds,
            // Its sandbox does not work for root, and pages from elsewhere are never opened.
            Args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        }).WaitAsync(Patience);
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync().AsTask().WaitAsync(Patience);
        _playwright?.Dispose();
    }

    /// <summary>Opens a page in a profile of its own.</summary>
    internal async Task<Sheet> Open(string address, int width = 1280, ColorScheme scheme = ColorScheme.Light)
    {
        var context = await _browser!.NewContextAsync(new()
        {
            ViewportSize = new() { Width = width, Height = 900 },
            ColorScheme = scheme,
        }).WaitAsync(Patience);
        context.SetDefaultTimeout((float)Eventually.Patience.TotalMilliseconds);
        var page = await context.NewPageAsync().WaitAsync(Patience);
        var sheet = new Sheet(context, page);
        await page.GotoAsync(address);
        return sheet;
    }

    /// <summary>The source of axe-core.</summary>
    internal static string Axe { get; } = ReadAxe();

    private static string ReadAxe()
    {
        using var stream = typeof(Deque.AxeCore.Commons.AxeRunOptions).Assembly.GetManifestResourceStream(AxeCore)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}

/// <summary>One page that is open in the browser, with what its console has said.</summary>
internal sealed class Sheet : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly List<string> _faults = [];

    public Sheet(IBrowserContext context, IPage page)
    {
        (_context, Page) = (context, page);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                Add($"{message.Type}: {message.Text}");
        };
        page.PageError += (_, fault) => Add($"exception: {fault}");
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith("http://127.0.0.1:", StringComparison.Ordinal)
                && !request.Url.StartsWith("file:", StringComparison.Ordinal)
                && !request.Url.StartsWith("data:", StringComparison.Ordinal))
                Add($"asks elsewhere: {request.Url}");
        };
    }

    public IPage Page { get; }

    /// <summary>What the console has said that it should not have, and what was asked for elsewhere.</summary>
    public IReadOnlyList<string> Faults
    {
        get
        {
            lock (_faults)
                return [.. _faults];
        }
    }

    public ILocator At(string selector) => Page.Locator(selector);

    /// <summary>Waits until the text of an element is the one wanted.</summary>
    public Task<string> Sees(string what, string selector, Func<string, bool> condition, TimeSpan? patience = null) =>
        Eventually.See(
            what, async () => await Page.EvaluateAsync<string?>(
                "s => { const e = document.querySelector(s); return e && !e.hidden ? e.innerText : null }", selector)
                ?? "(not shown)",
            condition, patience);

    public Task<int> Count(string selector) => At(selector).CountAsync();

    public async Task Look(int width, ColorScheme scheme)
    {
        await Page.SetViewportSizeAsync(width, 900);
        await Page.EmulateMediaAsync(new() { ColorScheme = scheme });
    }

    /// <summary>By how many pixels the page is wider than the window.</summary>
    public Task<int> Overhang() => Page.EvaluateAsync<int>(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth");

    /// <summary>What axe-core finds that is serious or worse.</summary>
    public async Task<string[]> Barriers()
    {
        await Page.EvaluateAsync(
            "source => { if (!window.axe) { (0, eval)(source) } }", Browser.Axe);
        var json = await Page.EvaluateAsync<string>("""
            async () => JSON.stringify((await axe.run(document, { resultTypes: ['violations'] })).violations
                .filter(v => v.impact === 'serious' || v.impact === 'critical')
                .map(v => `${v.id} (${v.impact}): ${v.nodes.slice(0, 3).map(n => n.html + ' ' + n.failureSummary)}`))
            """).WaitAsync(Eventually.Patience);
        return JsonSerializer.Deserialize<string[]>(json)!;
    }

    /// <summary>A picture of the page where <c>BAL_PICTURES</c> names a folder for it.</summary>
    public async Task Picture(string name)
    {
        if (Environment.GetEnvironmentVariable("BAL_PICTURES") is { Length: > 0 } folder)
            await Page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}.png"), FullPage = true });
    }

    public async ValueTask DisposeAsync() => await _context.DisposeAsync().AsTask().WaitAsync(Eventually.Patience);

    private void Add(string fault)
    {
        lock (_faults)
            _faults.Add(fault);
    }
}
