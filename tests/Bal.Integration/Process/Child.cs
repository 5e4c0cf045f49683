using System.Diagnostics;

namespace Bal.Integration.Process;

/// <summary>What a finished child process left behind.</summary>
internal sealed record Finished(int ExitCode, string Out, string Error);

/// <summary>A child process with its streams, ended with the test if it has not ended by itself.</summary>
internal sealed class Child : IDisposable
{
    private readonly System.Diagnostics.Process _process;
    private readonly Task<string> _error;

    private Child(System.Diagnostics.Process process) =>
        (_process, _error) = (process, process.StandardError.ReadToEndAsync());

    public int Pid => _process.Id;

    public StreamReader Out => _process.StandardOutput;

    public StreamWriter In => _process.StandardInput;

    public static Child Start(
        string program, IEnumerable<string> arguments, params (string Name, string? Value)[] variables)
    {
        var info = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in variables) info.Environment[name] = value;
        return new Child(System.Diagnostics.Process.Start(info)!);
    }

    /// <summary>A program that holds the POSIX lock of a file, says so, and lets go when its input is closed.</summary>
    public static Child HoldingLock(string path)
    {
        var child = Start("python3", ["-c", """
            import fcntl, os, sys
            f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            print("held", flush=True)
            sys.stdin.read()
            """, path]);
        Assert.Equal("held", child.Out.ReadLine());
        return child;
    }

    public async Task<Finished> End()
    {
        var output = await _process.StandardOutput.ReadToEndAsync();
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        return new Finished(_process.ExitCode, output, await _error);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }
}
