namespace Bal.EndToEnd.Servers;

/// <summary>
/// nginx with several sites, each on a port of its own with its own certificate; a site answers with its name.
/// </summary>
internal sealed class TlsSites : IAsyncDisposable
{
    private readonly Nginx _nginx = new();
    private readonly Dictionary<string, int> _ports = [];

    /// <summary>The port of a site.</summary>
    public int this[string site] => _ports[site];

    public string CertificateOf(string site) => _nginx.In($"{site}.pem");

    public string KeyOf(string site) => _nginx.In($"{site}.key");

    public static async Task<TlsSites> Start(params string[] sites)
    {
        var server = new TlsSites();
        foreach (var site in sites)
            server._ports[site] = Ports.Free();
        await server.Serve();
        return server;
    }

    public ValueTask DisposeAsync() => _nginx.DisposeAsync();

    private async Task Serve()
    {
        foreach (var site in _ports.Keys)
        {
            (await Command.Run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-days", "2", "-subj", $"/CN={site}", "-addext", $"subjectAltName=DNS:{site},DNS:*.{site}",
                "-keyout", KeyOf(site), "-out", CertificateOf(site))).Succeeds();
        }

        var servers = string.Join('\n', _ports.Select(site => $$"""
              server {
                listen 127.0.0.1:{{site.Value}} ssl;
                ssl_certificate {{CertificateOf(site.Key)}};
                ssl_certificate_key {{KeyOf(site.Key)}};
                location / { return 200 "this is {{site.Key}}"; }
              }
            """));
        await _nginx.Serve("", $"ssl_protocols TLSv1.2 TLSv1.3;\n{servers}", [.. _ports.Values]);
    }
}
