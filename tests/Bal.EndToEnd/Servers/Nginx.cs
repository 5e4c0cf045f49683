namespace Bal.EndToEnd.Servers;

/// <summary>nginx with one worker, a directory of its own, and a log of everything down to the level info.</summary>
internal sealed class Nginx : IAsyncDisposable
{
    private Command? _process;

    /// <summary>Where its files are; what its sites need is put there before it serves.</summary>
    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("bal-e2e-nginx-").FullName;

    /// <summary>What it has logged so far.</summary>
    public string Log => File.ReadAllText(LogPath);

    private string LogPath => In("error.log");

    public string In(string file) => Path.Combine(Directory, file);

    /// <param name="stream">What is in the block <c>stream</c>; empty for none.</param>
    /// <param name="http">What is in the block <c>http</c>.</param>
    /// <param name="ports">Where it then listens.</param>
    public static async Task<Nginx> Start(string stream, string http, params int[] ports)
    {
        var server = new Nginx();
        await server.Serve(stream, http, ports);
        return server;
    }

    /// <inheritdoc cref="Start"/>
    public async Task Serve(string stream, string http, params int[] ports)
    {
        // Where the module of streams is not built in, the distribution has a file that loads it from beside itself.
        const string Modules = "/usr/share/nginx/modules";
        if (System.IO.Directory.Exists(Modules))
            File.CreateSymbolicLink(In("modules"), Modules);
        // Workers drop privileges by default, and could then not read a directory of root's.
        await File.WriteAllTextAsync(In("nginx.conf"), $$"""
            {{(Posix.IsRoot ? "user root;" : "")}}
            daemon off;
            pid {{Directory}}/nginx.pid;
            {{(stream.Length > 0 ? "include /etc/nginx/modules-enabled/*stream*.conf;" : "")}}
            error_log {{LogPath}} info;
            worker_processes 1;
            events { worker_connections 512; }
            {{(stream.Length > 0 ? $"stream {{ {stream} }}" : "")}}
            http {
              access_log off;
              client_body_temp_path {{Directory}}/body;
              proxy_temp_path {{Directory}}/proxy;
              fastcgi_temp_path {{Directory}}/fastcgi;
              uwsgi_temp_path {{Directory}}/uwsgi;
              scgi_temp_path {{Directory}}/scgi;
              {{http}}
            }
            """);
        _process = Command.Start("nginx", ["-p", Directory, "-c", In("nginx.conf"), "-e", "stderr"]);
        await Listening.On(_process, ports);
    }

    /// <summary>Stops it; once more does nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!System.IO.Directory.Exists(Directory))
            return;
        if (_process is { HasExited: false })
        {
            // SIGKILL would leave its workers behind.
            Posix.Signal(_process.Pid, Posix.Terminate);
            await Eventually.Holds("nginx has ended", () => _process.HasExited);
        }

        if (_process is not null)
            await _process.DisposeAsync();
        System.IO.Directory.Delete(Directory, recursive: true);
    }
}
