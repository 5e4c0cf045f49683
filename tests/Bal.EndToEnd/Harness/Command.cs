using System.Diagnostics;

namespace Bal.EndToEnd.Harness;

/// <summary>What a finished command left behind.</summary>
internal sealed record Finished(int ExitCode, string Out, string Error)
{
    public override string ToString() => $"exit code {ExitCode}\nstdout:\n{Out}\nstderr:\n{Error}";

    public Finished Succeeds()
    {
        Assert.True(ExitCode == 0, ToString());
        return this;
    }

    public Finished FailsWith(int code)
    {
        Assert.True(ExitCode == code, $"expected exit code {code}\n{this}");
        return this;
    }
}

/// <summary>A child process with its streams, killed by its process id if it has not ended by itself.</summary>
internal sealed class Command : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly Task<string> _out;
    private readonly Task<string> _error;
    private bool _disposed;

    private Command(Process process)
    {
        _process = process;
        _out = process.StandardOutput.ReadToEndAsync();
        _error = process.StandardError.ReadToEndAsync();
    }

    public int Pid => _process.Id;

    public bool HasExited => _process.HasExited;

    public static Command Start(
        string program, IEnumerable<string> arguments, params (string Name, string? Value)[] variables)
    {
        var info = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in variables)
            info.Environment[name] = value;
        return new Command(Process.Start(info)!);
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task<Finished> Run(string program, params string[] arguments)
    {
        await using var command = Start(program, arguments);
        return await command.End();
    }

    /// <summary>Waits for the end of the process and of its streams: who inherits them is tested, too.</summary>
    public async Task<Finished> End(TimeSpan? patience = null)
    {
        _process.StandardInput.Close();
        try
        {
            await Task.WhenAll(_out, _error, _process.WaitForExitAsync()).WaitAsync(patience ?? Patience);
        }
        catch (TimeoutException)
        {
            var line = $"{_process.StartInfo.FileName} {string.Join(' ', _process.StartInfo.ArgumentList)}";
            Assert.Fail($"'{line}' did not end, or somebody holds its streams; exited: {_process.HasExited}");
        }

        return new Finished(_process.ExitCode, await _out, await _error);
    }

    /// <summary>Asks the process to end, and waits for it.</summary>
    public Task<Finished> Stop()
    {
        Posix.Signal(Pid, Posix.Terminate);
        return End();
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }
}
