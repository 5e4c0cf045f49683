using System.Diagnostics;
using System.Globalization;

namespace Bal.EndToEnd.Harness;

/// <summary>One bal with a home of its own. Whatever becomes of the test, its processes end with it.</summary>
internal sealed class BalInstance : IAsyncDisposable
{
    private readonly ITestOutputHelper _output;
    private readonly List<Command> _foreground = [];

    public BalInstance(ITestOutputHelper output, BalFile? file = null)
    {
        _output = output;
        Home = Directory.CreateTempSubdirectory("bal-e2e-").FullName;
        if (file is not null)
            Write(file);
    }

    public string Home { get; }

    /// <summary>The program that is started; an upgrade needs one whose file can be replaced.</summary>
    public string Program { get; init; } = BalBinary.Path;

    public BalFile File { get; private set; } = new(0);

    public string ConfigPath => Path.Combine(Home, "config.yaml");

    public string PidPath => Path.Combine(Home, "bal.pid");

    public string LogPath => Path.Combine(Home, "bal.log");

    public string SocketPath => Path.Combine(Home, "bal.sock");

    /// <summary>The process id in the PID file.</summary>
    public int Pid
    {
        get
        {
            // Whoever takes it over empties it before it writes.
            var text = "";
            Assert.True(SpinWait.SpinUntil(
                () => (text = System.IO.File.ReadAllText(PidPath))
                    .EndsWith('\n'), Eventually.Patience), "no PID is written");
            return int.Parse(text, CultureInfo.InvariantCulture);
        }
    }

    public IPEndPoint Endpoint => new(IPAddress.Loopback, File.Port);

    /// <summary>A daemon that accepts connections.</summary>
    public static async Task<BalInstance> Started(ITestOutputHelper output, BalFile file, string? program = null)
    {
        var bal = new BalInstance(output, file) { Program = program ?? BalBinary.Path };
        try
        {
            (await bal.Run("start", "-d")).Succeeds();
        }
        catch
        {
            await bal.DisposeAsync();
            throw;
        }

        return bal;
    }

    /// <summary>The same, with every backend found to be up.</summary>
    public static async Task<BalInstance> Healthy(ITestOutputHelper output, BalFile file, string? program = null)
    {
        var bal = await Started(output, file, program);
        await bal.SeeStatus("every backend probed and up", s => s.Backends.All(b => b.State == "up")
            && s.Root.GetProperty("last_check_time").GetString() is not null);
        return bal;
    }

    public void Write(BalFile file)
    {
        File = file;
        // Whole or not at all, for a bal that reads it at this moment.
        System.IO.File.WriteAllText(ConfigPath + ".new", file.ToString());
        System.IO.File.Move(ConfigPath + ".new", ConfigPath, overwrite: true);
    }

    /// <summary>Clients find it at this port, whoever writes its file.</summary>
    public void Expect(int port) => File = new BalFile(port);

    public Task<Finished> Run(params string[] arguments) => RunWith([], arguments);

    public async Task<Finished> RunWith((string Name, string? Value)[] variables, params string[] arguments)
    {
        var program = arguments is ["start", ..] ? Program : BalBinary.Path;
        await using var command = Command.Start(program, arguments, Environment(variables));
        return await command.End();
    }

    /// <summary>Runs a shell command line in which <c>$BAL</c> is the program.</summary>
    public async Task<Finished> Shell(string commandLine)
    {
        await using var command = Command.Start("bash", ["-c", commandLine], Environment([("BAL", Program)]));
        return await command.End();
    }

    /// <summary>The same, without waiting for its end.</summary>
    public Command ShellInBackground(string commandLine)
    {
        var command = Command.Start("bash", ["-c", commandLine], Environment([("BAL", Program)]));
        _foreground.Add(command);
        return command;
    }

    /// <summary><c>bal start</c> in the foreground, once it accepts connections.</summary>
    public async Task<Command> Foreground(params (string Name, string? Value)[] variables)
    {
        var command = StartForeground(variables);
        await Eventually.Holds("the PID file names the foreground process", () =>
            System.IO.File.Exists(PidPath) && System.IO.File.ReadAllText(PidPath) == $"{command.Pid}\n");
        return command;
    }

    /// <summary><c>bal start</c> in the foreground, without waiting for anything.</summary>
    public Command StartForeground(params (string Name, string? Value)[] variables)
    {
        var command = Command.Start(Program, ["start"], Environment(variables));
        _foreground.Add(command);
        return command;
    }

    public async Task<Status> Status() => new((await Run("status", "--json")).Succeeds().Out);

    public Task<Status> SeeStatus(string what, Func<Status, bool> condition, TimeSpan? patience = null) =>
        Eventually.See(what, Status, condition, patience);

    public async Task Reload(BalFile file)
    {
        Write(file);
        (await Run("graceful")).Succeeds();
    }

    public async Task<Socket> Connect()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(Endpoint).WaitAsync(Eventually.Patience);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        return socket;
    }

    /// <summary>One client that is served by an echo: a few bytes there and back.</summary>
    /// <returns>How long it took, the connect included.</returns>
    public async Task<TimeSpan> Exchange()
    {
        var clock = Stopwatch.StartNew();
        using var client = await Connect();
        await client.Write("ping"u8.ToArray());
        Assert.Equal("ping"u8.ToArray(), await client.Read(4));
        return clock.Elapsed;
    }

    /// <summary>
    /// Connects and waits for the first byte; null where the answer is an RST, which may overtake the end of the
    /// client's own connect.
    /// </summary>
    public async Task<Socket?> ConnectUnlessReset()
    {
        Socket? socket = null;
        try
        {
            socket = await Connect();
            Assert.Single(await socket.Read(1));
            return socket;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            socket?.Dispose();
            return null;
        }
    }

    public string[] LogLines() => System.IO.File.Exists(LogPath) ? System.IO.File.ReadAllLines(LogPath) : [];

    public async ValueTask DisposeAsync()
    {
        foreach (var command in _foreground)
            await command.DisposeAsync();
        // One that is being ended may just be starting another one.
        while (ProcFs.WithVariable("BAL_HOME", Home) is { Count: > 0 } left)
        {
            foreach (var pid in left)
            {
                Posix.KillIfThere(pid);
                await Eventually.Holds($"process {pid} is gone", () => !ProcFs.IsAlive(pid));
            }
        }

        foreach (var line in LogLines().TakeLast(40))
            _output.WriteLine(line);
        Directory.Delete(Home, recursive: true);
    }

    private (string, string?)[] Environment((string, string?)[] more) =>
        [("BAL_HOME", Home), ("BAL_CONFIG", null), ("BAL_DEBUG", null), ("NO_COLOR", null), .. more];
}
