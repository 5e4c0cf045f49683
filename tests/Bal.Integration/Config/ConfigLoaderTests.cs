using System.Runtime.InteropServices;
using System.Text;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Infrastructure.Config;
using Bal.Infrastructure.Linux;

namespace Bal.Integration.Config;

/// <summary>From a path to a configuration: what only looks like a file is named, and never waited for.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed partial class ConfigLoaderTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("bal-config-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void A_valid_file_gives_a_configuration_and_its_absolute_path()
    {
        var path = Write("port: 1234\nbind_address: ::1\nbackends:\n  - host: db\n    port: 80\n");
        var relative = Path.GetRelativePath(Directory.GetCurrentDirectory(), path);

        var loaded = ConfigLoader.Load(relative, HostFacts.Unknown);

        Assert.Equal(path, loaded.Path);
        Assert.Equal(1234, loaded.Outcome.Config.Match(c => c.Services[0].Listener.Port, () => 0));
    }

    [Theory]
    [InlineData("missing.yaml", "file_missing")]
    [InlineData("missing/below.yaml", "file_missing")]
    [InlineData(".", "file_is_directory")]
    [InlineData("/dev/zero", "file_not_regular")]
    [InlineData("", "file_missing")]
    public void What_is_no_file_is_said_by_its_kind(string path, string code) =>
        Assert.Equal(code, OnlyError(path.Length == 0 ? "" : Path.Combine(_directory.FullName, path)).Code);

    [Fact]
    public void A_pipe_without_a_writer_is_not_waited_for()
    {
        var path = Path.Combine(_directory.FullName, "pipe");
        Assert.Equal(0, MakeFifo(path, 0x180));

        Assert.Equal("file_not_regular", OnlyError(path).Code);
        Assert.Contains("named pipe", OnlyError(path).Message);
    }

    [Fact]
    public void A_socket_is_no_file()
    {
        var path = Path.Combine(_directory.FullName, "socket");
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix,
            System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(path));

        Assert.Equal("file_not_regular", OnlyError(path).Code);
    }

    [Fact]
    public void Links_in_a_circle_and_names_beyond_the_limit_are_one_error()
    {
        var path = Path.Combine(_directory.FullName, "circle");
        File.CreateSymbolicLink(path, path);

        Assert.Equal("file_unreadable", OnlyError(path).Code);
        Assert.Equal("file_unreadable", OnlyError("/" + new string('a', 300)).Code);
        Assert.Equal("file_unreadable", OnlyError(string.Concat(Enumerable.Repeat("/a", 4_000))).Code);
    }

    [Fact]
    public async Task A_file_that_changes_while_it_is_read_gives_a_configuration_or_an_error_and_no_fault()
    {
        string[] contents =
        [
            "bind_address: ::1\nbackends: [{host: a, port: 1}]\n",
            "bind_address: ::1\nbackends:\n"
                + string.Concat(Enumerable.Range(1, 9_000).Select(p => $"- {{host: b, port: {p}}}\n")),
            "",
        ];
        var path = Write(contents[0]);
        using var stop = new CancellationTokenSource();
        var writer = Task.Run(() =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
                Write(contents[i % contents.Length]);
        });

        for (var i = 0; i < 30; i++)
        {
            var outcome = ConfigLoader.Load(path, HostFacts.Unknown).Outcome;
            Assert.NotEqual(outcome.Config.IsSome, outcome.Findings.Any(f => f.Severity == Severity.Error));
        }

        await stop.CancelAsync();
        await writer;
    }

    [Fact]
    public void A_file_that_claims_no_size_is_read_as_far_as_it_goes() =>
        Assert.Equal("wrong_type", OnlyError("/proc/sys/kernel/ostype").Code);

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    public void A_file_of_one_mebibyte_is_read_and_a_larger_one_refused(int more, bool refused)
    {
        var start = "bind_address: ::1\nbackends: [{host: a, port: 1}]\n#";
        var path = Write(start + new string('x', YamlReader.MaxBytes - start.Length + more));

        var findings = ConfigLoader.Load(path, HostFacts.Unknown).Outcome.Findings;

        Assert.Equal(refused ? "file_too_large" : "", string.Join(",", findings.Select(f => f.Code)));
    }

    [Fact]
    public void A_file_that_this_user_may_not_read_is_said_so()
    {
        var path = Write("port: 1");
        File.SetUnixFileMode(path, UnixFileMode.None);
        try
        {
            using var probe = File.OpenRead(path);
        }
        catch (UnauthorizedAccessException)
        {
            Assert.Equal("file_denied", OnlyError(path).Code);
            return;
        }
        // root reads every file, and then so does bal.
        Assert.NotEqual("file_denied", OnlyError(path).Code);
    }

    [Theory]
    [InlineData("config.yaml")]
    [InlineData("config.advanced.yaml")]
    public void The_samples_are_valid(string name)
    {
        var loaded = ConfigLoader.Load(Sample(name), HostFacts.Unknown);

        Assert.Equal(2, loaded.Outcome.Config.Match(c => c.Services[0].Backends.Count, () => 0));
        Assert.DoesNotContain(loaded.Outcome.Findings, f => f.Severity == Severity.Error);
    }

    [Fact]
    public void The_smallest_sample_passes_even_the_strict_check() =>
        Assert.Empty(ConfigLoader.Load(Sample("config.yaml"), HostFacts.Unknown).Outcome.Findings);

    [Fact]
    public void The_advanced_sample_sets_every_key_to_its_default()
    {
        var text = File.ReadAllText(Sample("config.advanced.yaml"));
        var config = ConfigLoader.Load(Sample("config.advanced.yaml"), HostFacts.Unknown).Outcome.Config
            .Match(c => c, () => throw new Xunit.Sdk.XunitException("invalid"));
        var defaults = new BalConfig(Mode.Advanced, LogLevel.Info, LanguageExt.Option<int>.None, new([new Service(
            Service.DefaultName, new Listener(new Domain.Primitives.Host.Address(System.Net.IPAddress.Any), 9295),
            Method.RoundRobin, config.Services[0].Backends, Tuning.For(2))]));

        Assert.Equal(defaults, config);
        Assert.All(ConfigPrinter.ToYaml(config).Split('\n').Select(line => line.Trim(' ', '-').Split(':')[0]),
            key => Assert.Contains(key, text));
    }

    [Theory]
    [InlineData("decisions.ndjson", "decisions.ndjson")]
    [InlineData("../d", "../d")]
    [InlineData("/var/log/d", "/var/log/d")]
    public void A_decision_log_lies_beside_the_file_that_names_it(string written, string meant)
    {
        var path = Write($"decision_log: {written}\nbackends:\n  - host: 127.0.0.1\n    port: 1\n");
        var directory = Path.GetDirectoryName(path)!;

        Assert.Equal(
            Path.GetFullPath(meant, directory),
            ConfigLoader.Load(path, HostFacts.Unknown).Outcome.Config.Bind(c => c.DecisionLog).IfNone(""));
    }

    [Fact]
    public void The_facts_of_this_machine_include_its_loopback_address() =>
        Assert.Contains(System.Net.IPAddress.Loopback, LinuxHostFacts.Gather().LocalAddresses);

    private Finding OnlyError(string path) => Assert.Single(
        ConfigLoader.Load(path, HostFacts.Unknown).Outcome.Findings, f => f.Severity == Severity.Error);

    private string Write(string text)
    {
        var path = Path.Combine(_directory.FullName, "config.yaml");
        File.WriteAllText(path, text, new UTF8Encoding(false));
        return path;
    }

    private static string Sample(string name)
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Bal.sln")))
            directory = directory.Parent ?? throw new DirectoryNotFoundException("Bal.sln");
        return Path.Combine(directory.FullName, "sample", name);
    }

    [Fact]
    public async Task A_file_that_changes_while_it_is_read_is_refused_and_not_half_read()
    {
        var path = Path.Combine(_directory.FullName, "changing.yaml");
        var comment = "#" + new string('x', 1_000_000) + "\n";
        var whole = comment + "backends: [{host: 127.0.0.1, port: 1}]\n";
        await File.WriteAllTextAsync(path, whole);
        using var stop = new CancellationTokenSource();
        var writer = Task.Run(() =>
        {
            // In place, as no writer should.
            using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                file.Position = 1 + (i % 1_000);
                file.WriteByte((byte)'y');
                file.Flush();
            }
        });
        var patience = System.Diagnostics.Stopwatch.StartNew();
        var seen = false;
        while (!seen && patience.Elapsed < TimeSpan.FromSeconds(20))
            seen = ConfigLoader.Load(path).Outcome.Findings.Exists(f => f.Code == "file_changing");
        await stop.CancelAsync();
        await writer;

        Assert.True(seen);
        Assert.True(ConfigLoader.Load(path).Outcome.Config.IsSome);
    }

    [LibraryImport("libc", EntryPoint = "mkfifo", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeFifo(string path, uint mode);
}
