namespace Bal.EndToEnd.Servers;

/// <summary>nginx with a large file, over HTTP and over TLS with a certificate signed by itself.</summary>
internal sealed class NginxServer : IAsyncDisposable
{
    private readonly Nginx _nginx = new();

    public int Port { get; } = Ports.Free();

    public int TlsPort { get; } = Ports.Free();

    public string Certificate => _nginx.In("cert.pem");

    public byte[] Content { get; } = Wire.Random(5_000_000, seed: 21);

    public static async Task<NginxServer> Start()
    {
        var server = new NginxServer();
        await server.Serve();
        return server;
    }

    public ValueTask DisposeAsync() => _nginx.DisposeAsync();

    private async Task Serve()
    {
        (await Command.Run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", _nginx.In("key.pem"), "-out", Certificate)).Succeeds();
        await File.WriteAllBytesAsync(_nginx.In("large"), Content);
        await _nginx.Serve("", $$"""
            server {
              listen 127.0.0.1:{{Port}};
              listen 127.0.0.1:{{TlsPort}} ssl;
              ssl_certificate {{Certificate}};
              ssl_certificate_key {{_nginx.In("key.pem")}};
              root {{_nginx.Directory}};
            }
            """, Port, TlsPort);
    }
}
