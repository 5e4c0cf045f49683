namespace Bal.EndToEnd.Servers;

/// <summary>nginx with a large file, over HTTP and over TLS with a certificate signed by itself.</summary>
internal sealed class NginxServer : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("bal-e2e-nginx-").FullName;
    private Command? _process;

    public int Port { get; } = Ports.Free();

    public int TlsPort { get; } = Ports.Free();

    public string Certificate => Path.Combine(_directory, "cert.pem");

    public byte[] Content { get; } = Wire.Random(5_000_000, seed: 21);

    public static async Task<NginxServer> Start()
    {
        var server = new NginxServer();
        await server.Prepare();
        server._process = Command.Start("nginx",
            ["-p", server._directory, "-c", Path.Combine(server._directory, "nginx.conf"), "-e", "stderr"]);
        await Eventually.See("nginx answers",
            () => Command.Run("curl", "-sf", "-o", "/dev/null", $"http://127.0.0.1:{server.Port}/large"),
            answer => answer.ExitCode == 0);
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            // SIGKILL would leave its workers behind.
            Posix.Signal(_process.Pid, Posix.Terminate);
            await Eventually.Holds("nginx has ended", () => _process.HasExited);
        }

        if (_process is not null)
            await _process.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task Prepare()
    {
        (await Command.Run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", Path.Combine(_directory, "key.pem"), "-out", Certificate)).Succeeds();
        await File.WriteAllBytesAsync(Path.Combine(_directory, "large"), Content);
        // Workers drop privileges by default, and could then not read a directory of root's.
        var user = Posix.IsRoot ? "user root;\n" : "";
        await File.WriteAllTextAsync(Path.Combine(_directory, "nginx.conf"), $$"""
            {{user}}daemon off;
            pid {{_directory}}/nginx.pid;
            worker_processes 1;
            events { worker_connections 512; }
            http {
              access_log off;
              client_body_temp_path {{_directory}}/body;
              proxy_temp_path {{_directory}}/proxy;
              fastcgi_temp_path {{_directory}}/fastcgi;
              uwsgi_temp_path {{_directory}}/uwsgi;
              scgi_temp_path {{_directory}}/scgi;
              server {
                listen 127.0.0.1:{{Port}};
                listen 127.0.0.1:{{TlsPort}} ssl;
                ssl_certificate {{Certificate}};
                ssl_certificate_key {{_directory}}/key.pem;
                root {{_directory}};
              }
            }
            """);
    }
}
