using System.Text;
using Bal.Domain.Web;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Bal.Web;

/// <summary>Everything that can be asked for. All of it is read, and nothing of it changes anything.</summary>
internal sealed class Pages(Daemon daemon, Hour hour) : IHttpApplication<IFeatureCollection>
{
    private const string Text = "text/plain; charset=utf-8";
    private const string Script = "text/javascript; charset=utf-8";
    private const int LongestName = 328;

    // The page is only what this process has: no script, style or picture from elsewhere, and nothing inline.
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        + "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly Dictionary<string, Answer> Files = new()
    {
        ["/"] = Embedded("page.html", "text/html; charset=utf-8"),
        ["/page.css"] = Embedded("page.css", "text/css; charset=utf-8"),
        ["/page.js"] = Embedded("page.js", Script),
        ["/rates.js"] = Embedded("rates.js", Script),
        ["/services.js"] = Embedded("services.js", Script),
        ["/hour.js"] = Embedded("hour.js", Script),
        ["/words.js"] = Embedded("words.js", Script),
    };

    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
    }

    public async Task ProcessRequestAsync(IFeatureCollection context)
    {
        var request = context.GetRequiredFeature<IHttpRequestFeature>();
        var response = context.GetRequiredFeature<IHttpResponseFeature>();
        var answer = await AnswerTo(request).ConfigureAwait(false)
            ?? Plain(503, "bal does not answer at present; ask again\n");
        response.StatusCode = answer.Status;
        var headers = response.Headers;
        headers.ContentType = answer.ContentType;
        headers.ContentLength = answer.Body.Length;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = "no-store";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        if (answer.Status == 405)
            headers.Allow = "GET, HEAD";
        if (request.Method != "HEAD")
            await context.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.WriteAsync(answer.Body)
                .ConfigureAwait(false);
    }

    private Task<Answer?> AnswerTo(IHttpRequestFeature request)
    {
        if (!HostRule.Allows(request.Headers.Host.ToString(), daemon.Hosts))
        {
            return Done(Plain(421, "This bal is not known by that name. Ask by its address, or add the name to 'hosts' "
                + "of 'web' in its configuration:\n\n  web: {listen: ..., hosts: [the name]}\n"));
        }

        if (!HostRule.AllowsOrigin(Single(request.Headers.Origin), daemon.Hosts))
            return Done(Plain(403, "A page from elsewhere may not read this.\n"));
        if (request.Method is not ("GET" or "HEAD"))
            return Done(Plain(405, "Only GET and HEAD: nothing can be changed here.\n"));
        return request.Path switch
        {
            "/metrics" => daemon.Ask("metrics"),
            "/status.json" => daemon.Ask("status"),
            "/explain.json" => Explain(request.QueryString),
            "/page.json" => View(request.QueryString),
            "/hour.json" => Done(HourOf(request.QueryString)),
            "/healthz" => Done(Plain(200, "ok\n")),
            "/readyz" => daemon.Ask(request.QueryString is "?backends" or "?backends=" ? "ready backends" : "ready"),
            var path when Files.TryGetValue(path, out var file) => Done(file),
            _ => Done(Plain(404, "Not found: there are /, /metrics, /healthz, /readyz[?backends], /status.json, "
                + "/explain.json?of=SERVICE/BACKEND, /page.json[?find=TEXT] and /hour.json[?of=SERVICE].\n")),
        };
    }

    // What it is about is a word of the control socket's language: no control characters, and no white space.
    private Task<Answer?> Explain(string query)
    {
        var word = Argument(query, "?of=") ?? "";
        return word.Length is 0 or > LongestName || word.Any(c => c <= ' ' || char.IsControl(c) || char.IsWhiteSpace(c))
            ? Done(Plain(400, "Name a service or a backend: /explain.json?of=SERVICE/BACKEND\n"))
            : daemon.Ask($"explain {word}");
    }

    private Task<Answer?> View(string query)
    {
        var search = query.Length == 0 ? "" : Argument(query, "?find=");
        return search is null || search.Length > PageView.LongestSearch || search.Any(char.IsControl)
            ? Done(Plain(400, "Say what to look for: /page.json?find=PART-OF-A-NAME\n"))
            : daemon.Ask($"page {search.Trim()}");
    }

    private Answer HourOf(string query) =>
        (query.Length == 0 ? "" : Argument(query, "?of=")) is { } name && hour.Json(name) is { } json
            ? new(200, "application/json; charset=utf-8", json)
            : Plain(404, "Nothing is known of a service of that name: /hour.json?of=SERVICE\n");

    private static string? Argument(string query, string name) =>
        query.StartsWith(name, StringComparison.Ordinal) ? Uri.UnescapeDataString(query[name.Length..]) : null;

    private static string Single(StringValues values) => values.Count == 0 ? "" : values.ToString();

    private static Task<Answer?> Done(Answer answer) => Task.FromResult<Answer?>(answer);

    private static Answer Plain(int status, string text) => new(status, Text, Encoding.UTF8.GetBytes(text));

    private static Answer Embedded(string name, string type)
    {
        using var file = typeof(Pages).Assembly.GetManifestResourceStream(name)!;
        using var bytes = new MemoryStream();
        file.CopyTo(bytes);
        return new(200, type, bytes.ToArray());
    }
}
