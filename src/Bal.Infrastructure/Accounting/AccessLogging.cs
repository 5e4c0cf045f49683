using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Infrastructure.Config;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Process;
using LanguageExt;

namespace Bal.Infrastructure.Accounting;

/// <summary>
/// The access log of a serving process: one thread, made when the configuration first asks for a log, writes what the
/// event loops leave in their rings. Nothing here waits for the file, except the end, and that one with a bound. Called
/// by the supervisor's thread.
/// </summary>
internal sealed class AccessLogging : IDisposable
{
    /// <summary>How long the end of the process waits for the last lines.</summary>
    internal static readonly TimeSpan ExitPatience = TimeSpan.FromSeconds(1);

    private readonly object gate = new();
    private readonly AccessRings rings;
    private readonly AccessLogWriter writer;
    private readonly Queue<Action> orders = new();
    private Problem? noThread;
    private bool started;
    private bool isIdle;
    private bool closed;
    private bool ended;

    /// <param name="rings">What the loops put into; this object's from now on.</param>
    /// <param name="say">Told what an operator should know.</param>
    public AccessLogging(AccessRings rings, Action<LogEvent> say) =>
        (this.rings, writer) = (rings, new AccessLogWriter(rings, say));

    /// <summary>Whether bal uses a file for something else.</summary>
    /// <param name="path">The file.</param>
    /// <param name="home">The directory of bal's own files.</param>
    /// <param name="configPath">The file of the configuration; empty where there is none.</param>
    /// <param name="config">It.</param>
    public static bool IsOwn(string path, BalHome home, string configPath, BalConfig config) =>
        home.Owns(path)
        || (configPath.Length > 0 && ConfigFile.IsSame(path, configPath))
        || config.DecisionLog.Exists(decisions => ConfigFile.IsSame(path, decisions));

    /// <summary>Why lines cannot be written at present.</summary>
    public Option<Problem> Fault => Prelude.Optional(writer.Fault ?? noThread);

    /// <summary>Logs there from now on, or nowhere.</summary>
    /// <param name="path">A file, or <see cref="BalConfig.StandardOutput"/>.</param>
    /// <param name="isOwn">Whether a path names another file that bal uses.</param>
    public void Use(Option<string> path, Func<string, bool> isOwn)
    {
        rings.Turn(path.IsSome);
        if (path.IsSome && !started)
        {
            started = Worker.TryStart("bal-access", Write);
            noThread = started ? null : AccessFileProblems.NoThread(path.IfNone(""));
        }

        if (started)
            Order(() => writer.Use(path, isOwn));
    }

    /// <summary>Opens the file again before the next line, after it was renamed.</summary>
    public void Reopen()
    {
        if (started)
            Order(writer.Reopen);
    }

    /// <summary>Waits until everything put so far is written; false if that takes longer.</summary>
    public bool Flush(TimeSpan timeout)
    {
        var deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        if (!started)
            return true;
        lock (gate)
        {
            isIdle = false;
            rings.Wake();
            while (!isIdle && !ended)
            {
                var left = deadline - Environment.TickCount64;
                if (left <= 0 || !Monitor.Wait(gate, (int)left))
                    return false;
            }

            return true;
        }
    }

    /// <summary>Flushes within <see cref="ExitPatience"/>; what is left then is lost.</summary>
    public void Dispose()
    {
        var flushed = Flush(ExitPatience);
        lock (gate)
            closed = true;
        if (!started)
        {
            rings.Dispose();
            return;
        }

        rings.Wake();
        lock (gate)
        {
            // A thread that is stuck in a write goes on using the rings.
            if (flushed && !ended)
                Monitor.Wait(gate, ExitPatience);
            if (ended)
                rings.Dispose();
        }
    }

    private void Order(Action order)
    {
        lock (gate)
            orders.Enqueue(order);
        rings.Wake();
    }

    private void Write()
    {
        while (true)
        {
            while (Next() is { } order)
                order();
            var wait = writer.Work();
            lock (gate)
            {
                if (closed)
                    break;
                isIdle |= orders.Count == 0 && !writer.IsStuck && rings.AreEmpty;
                Monitor.PulseAll(gate);
                if (orders.Count > 0)
                    wait = 0;
            }

            rings.Wait(wait);
        }

        writer.Dispose();
        lock (gate)
        {
            ended = true;
            Monitor.PulseAll(gate);
        }
    }

    private Action? Next()
    {
        lock (gate)
            return orders.TryDequeue(out var order) ? order : null;
    }
}
