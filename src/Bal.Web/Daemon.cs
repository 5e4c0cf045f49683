using System.Collections.Concurrent;
using System.Globalization;
using Bal.Infrastructure.Hosting;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Web;

/// <summary>What the daemon said.</summary>
/// <param name="Status">The status of HTTP.</param>
/// <param name="ContentType">What <paramref name="Body"/> is.</param>
/// <param name="Body">The content.</param>
internal sealed record Answer(int Status, string ContentType, byte[] Body);

/// <summary>The bal that has started this process, on the other end of a link.</summary>
internal sealed class Daemon : IDisposable
{
    private const int MostAtOnce = 64;
    private const int RestMs = 50;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Link link;
    private readonly TaskCompletionSource<int> listener = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentDictionary<long, TaskCompletionSource<Answer?>> waiting = new();
    private readonly Dictionary<string, (Task<Answer?> Current, Task<Answer?>? Next)> asked = [];
    private readonly Lock gate = new();
    private long last;

    public Daemon(Link link)
    {
        this.link = link;
        new Thread(Listen) { IsBackground = true, Name = "daemon" }.Start();
    }

    /// <summary>The socket to serve; negative where the daemon has ended before it sent one.</summary>
    public Task<int> Listener => listener.Task;

    /// <summary>Completes once the daemon wants this process to end, or has ended itself.</summary>
    public Task Ended => ended.Task;

    /// <summary>Names by which the page may be asked for.</summary>
    public Arr<string> Hosts { get; private set; } = Own([]);

    /// <summary>Tells the daemon that clients are served.</summary>
    public void SayReady() => _ = link.Send("ready");

    /// <summary>
    /// Asks. However many want to know the same, the daemon is asked once at a time: those who come meanwhile share the
    /// next answer, which is younger than their question. Null where it does not answer in time.
    /// </summary>
    public Task<Answer?> Ask(string request)
    {
        lock (gate)
        {
            if (asked.TryGetValue(request, out var known))
            {
                var next = known.Next ?? After(known.Current, request);
                asked[request] = (known.Current, next);
                return next;
            }

            if (asked.Count >= MostAtOnce)
                return Task.FromResult<Answer?>(null);
            var answer = AskAnew(request);
            asked[request] = (answer, null);
            _ = Settle(request);
            return answer;
        }
    }

    private async Task<Answer?> After(Task<Answer?> before, string request)
    {
        _ = await before.ConfigureAwait(false);
        await Task.Delay(RestMs).ConfigureAwait(false);
        lock (gate)
            asked[request] = (asked[request].Next!, null);
        return await AskAnew(request).ConfigureAwait(false);
    }

    // Forgets a question once nobody waits for its answer any more.
    private async Task Settle(string request)
    {
        while (true)
        {
            Task<Answer?> current;
            lock (gate)
                current = asked[request].Current;
            _ = await current.ConfigureAwait(false);
            lock (gate)
            {
                if (asked[request].Current != current)
                    continue;
                if (asked[request].Next is null)
                {
                    asked.Remove(request);
                    return;
                }
            }

            await Task.Delay(RestMs / 2).ConfigureAwait(false);
        }
    }

    public void Dispose() => link.Dispose();

    private async Task<Answer?> AskAnew(string request)
    {
        var number = Interlocked.Increment(ref last);
        var answer = new TaskCompletionSource<Answer?>(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting[number] = answer;
        try
        {
            return link.Send(string.Create(CultureInfo.InvariantCulture, $"ask\n{number}\n{request}"))
                ? await answer.Task.WaitAsync(Patience).ConfigureAwait(false)
                : null;
        }
        catch (TimeoutException)
        {
            return null;
        }
        finally
        {
            waiting.TryRemove(number, out _);
        }
    }

    private void Listen()
    {
        while (Libc.WaitFor(link.Fd, Libc.POLLIN, -1))
        {
            if (link.Receive() is not { IsSome: true } received)
                continue;
            var message = (LinkMessage)received;
            if (message.Word == LinkMessage.Closed)
                break;
            Understand(message);
        }

        listener.TrySetResult(-1);
        ended.TrySetResult();
        foreach (var answer in waiting.Values)
            answer.TrySetResult(null);
    }

    private void Understand(LinkMessage message)
    {
        switch (message)
        {
            case { Word: "serve", Descriptors: [var fd] } when listener.TrySetResult(fd):
                break;
            case { Word: "hosts" }:
                message.CloseDescriptors();
                Hosts = Own(message.Lines[1..]);
                break;
            case { Lines: ["answer", var number, var status, var type] }:
                var body = Link.DocumentOf(message);
                if (body is not null && waiting.TryGetValue(
                    long.Parse(number, CultureInfo.InvariantCulture), out var answer))
                    answer.TrySetResult(new(int.Parse(status, CultureInfo.InvariantCulture), type, body));
                break;
            default:
                message.CloseDescriptors();
                break;
        }
    }

    private static Arr<string> Own(string[] hosts) =>
        new([.. hosts, Environment.MachineName, Environment.MachineName.Split('.')[0]]);
}
