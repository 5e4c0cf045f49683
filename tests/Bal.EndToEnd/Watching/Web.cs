using System.Globalization;

namespace Bal.EndToEnd.Watching;

/// <summary>What is at the address of <c>web</c>, asked for as a client does.</summary>
internal sealed class Web(int port) : IDisposable
{
    private readonly HttpClient _client = new() { Timeout = Eventually.Patience };

    public string Root => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");

    /// <summary>Waits until it answers.</summary>
    public Task Answers() => Patiently("/healthz");

    // While an upgrade replaces it, a request on a connection that was open before is asked to come again.
    private async Task<string> Patiently(string path)
    {
        async Task<string?> Ask()
        {
            try
            {
                using var answer = await Get(path);
                return answer.StatusCode == HttpStatusCode.OK ? await answer.Content.ReadAsStringAsync() : null;
            }
            catch (HttpRequestException)
            {
                return null;
            }
        }

        return (await Eventually.See($"{path} is answered", Ask, (string? text) => text is not null))!;
    }

    public Task<HttpResponseMessage> Get(string path, params (string Name, string Value)[] headers) =>
        Send(HttpMethod.Get, path, headers);

    public async Task<HttpResponseMessage> Send(
        HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, Root + path);
        foreach (var (name, value) in headers)
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        return await _client.SendAsync(request);
    }

    public async Task<string> Text(string path)
    {
        using var answer = await Get(path);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadAsStringAsync();
    }

    /// <summary>Every series of <c>/metrics</c> with its value.</summary>
    public async Task<IReadOnlyDictionary<string, double>> Metrics() => (await Patiently("/metrics")).Split('\n')
        .Where(line => line.Length > 0 && line[0] != '#')
        .ToDictionary(
            line => line[..line.LastIndexOf(' ')],
            line => line[(line.LastIndexOf(' ') + 1)..] is var value && value == "+Inf"
                ? double.PositiveInfinity : double.Parse(value, CultureInfo.InvariantCulture));

    public void Dispose() => _client.Dispose();
}
