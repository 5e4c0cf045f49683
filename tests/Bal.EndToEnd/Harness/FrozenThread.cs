using System.Runtime.InteropServices;

namespace Bal.EndToEnd.Harness;

/// <summary>
/// One thread of another process that hangs while the others go on, until this is disposed: a tracer stops it
/// (ptrace(2)), which needs no privilege over a child of the same user.
/// </summary>
internal sealed partial class FrozenThread : IDisposable
{
    private const int Detach = 17;
    private const int Seize = 0x4206;
    private const int Interrupt = 0x4207;
    private const int WaitAll = 0x40000000;

    private readonly ManualResetEventSlim _thaw = new();
    private readonly Thread _tracer;

    private FrozenThread(int thread)
    {
        var frozen = new TaskCompletionSource();
        // Only the thread that attached may give it free again.
        _tracer = new Thread(() => Hold(thread, frozen)) { IsBackground = true };
        _tracer.Start();
        frozen.Task.GetAwaiter().GetResult();
    }

    /// <summary>Stops the thread of that name.</summary>
    public static FrozenThread Of(int pid, string name) => new(Directory.GetDirectories($"/proc/{pid}/task")
        .Where(task => File.ReadAllText($"{task}/comm").Trim() == name)
        .Select(task => int.Parse(Path.GetFileName(task), null))
        .Single());

    public void Dispose()
    {
        _thaw.Set();
        _tracer.Join();
    }

    private void Hold(int thread, TaskCompletionSource frozen)
    {
        try
        {
            Require(ptrace(Seize, thread, 0, 0), "PTRACE_SEIZE");
            Require(ptrace(Interrupt, thread, 0, 0), "PTRACE_INTERRUPT");
            Require(waitpid(thread, out _, WaitAll), "waitpid");
            frozen.SetResult();
        }
        catch (InvalidOperationException e)
        {
            frozen.SetException(e);
            return;
        }

        _thaw.Wait();
        _ = ptrace(Detach, thread, 0, 0);
    }

    private static void Require(long result, string call)
    {
        if (result < 0)
            throw new InvalidOperationException($"{call}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial long ptrace(int request, int pid, nint address, nint data);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int waitpid(int pid, out int status, int options);
}
