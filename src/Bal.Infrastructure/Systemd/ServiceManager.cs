using System.Diagnostics;
using System.Globalization;
using Bal.Application;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Reports;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Reacting;

namespace Bal.Infrastructure.Systemd;

/// <summary>
/// Tells the service manager by the protocol of sd_notify(3); without one it does nothing. Called on the supervisor's
/// thread. A manager that does not read makes nobody wait: what it has no room for is kept, in order and bounded by
/// <see cref="Capacity"/>, and sent again.
/// </summary>
internal sealed class ServiceManager : IServiceManager, IDisposable
{
    /// <summary>Messages that wait for the manager at most; above, the oldest are lost.</summary>
    public const int Capacity = 16;

    private static readonly Duration Retry = new(100);

    /// <summary>What a stop may take beyond its drain before the manager ends it by force.</summary>
    private static readonly Duration Reserve = new(5_000);

    private readonly Reactor reactor;
    private readonly Action<Problem> complain;
    private readonly string address;
    private readonly NotifySocket? socket;
    private readonly Queue<string> waiting = new();
    private string line = "";
    private bool serving;
    private bool stopping;
    private bool retrying;
    private bool complained;
    private bool handedOver;

    /// <param name="environment">Where the manager is.</param>
    /// <param name="reactor">For a later attempt.</param>
    /// <param name="complain">Told once where the manager cannot be reached.</param>
    public ServiceManager(ManagerEnvironment environment, Reactor reactor, Action<Problem> complain)
    {
        (this.reactor, this.complain) = (reactor, complain);
        address = environment.Address ?? "";
        if (environment.Address is null)
            return;
        socket = NotifySocket.To(address);
        if (socket is null)
            Complain("it is neither an absolute path nor an abstract name of at most 107 bytes");
    }

    public void Ready()
    {
        serving = true;
        if (!stopping)
            Tell($"READY=1\nSTATUS={line}");
    }

    public void Reloading()
    {
        if (stopping)
            return;
        serving = false;
        // The manager of Type=notify-reload compares it with the moment of its own signal.
        var now = Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);
        Tell(string.Create(
            CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={now}\nSTATUS=reading the configuration"));
    }

    public void Stopping(Duration within)
    {
        var time = (within.Milliseconds + Reserve.Milliseconds) * 1_000;
        Tell(string.Create(
            CultureInfo.InvariantCulture, $"{(stopping ? "" : "STOPPING=1\n")}EXTEND_TIMEOUT_USEC={time}"));
        stopping = true;
    }

    public void Show(ControlState state)
    {
        if (socket is null || ServiceLine.Of(state) is var now && now == line)
            return;
        line = now;
        // Until the start or the reload has ended its own message is the last word.
        if (serving)
            Tell($"STATUS={line}");
    }

    /// <summary>A sign of life. It is never sent late: one that is out of date is not a sign of life.</summary>
    public void Alive()
    {
        if (waiting.Count == 0 && !handedOver)
            _ = socket?.Send("WATCHDOG=1");
    }

    /// <summary>Another process is the service from now on; the manager no longer listens to this one.</summary>
    public void HandOver(int processId)
    {
        handedOver = true;
        Queue(string.Create(CultureInfo.InvariantCulture, $"MAINPID={processId}"));
    }

    public void Dispose() => socket?.Dispose();

    private void Tell(string message)
    {
        // It would be taken for the service's own word where NotifyAccess= allows all processes to speak.
        if (!handedOver)
            Queue(message);
    }

    private void Queue(string message)
    {
        if (socket is null)
            return;
        if (waiting.Count >= Capacity)
            waiting.Dequeue();
        waiting.Enqueue(message);
        Send();
    }

    private void Send()
    {
        while (waiting.TryPeek(out var message))
        {
            var error = socket!.Send(message);
            if (error is Errno.EAGAIN or Errno.ENOBUFS)
            {
                SendLater();
                return;
            }

            if (error != 0)
                Complain(Errno.Text(error));
            waiting.Dequeue();
        }
    }

    private void SendLater()
    {
        if (retrying)
            return;
        retrying = true;
        reactor.After(Retry, () =>
        {
            retrying = false;
            Send();
        });
    }

    private void Complain(string why)
    {
        if (complained)
            return;
        complained = true;
        complain(new Problem(
            "service_manager_unreachable",
            $"the service manager could not be notified: {address}: {why}",
            "NOTIFY_SOCKET was inherited from another service, or its socket is not visible from here",
            "under systemd let the unit set it (Type=notify); elsewhere start bal without NOTIFY_SOCKET"));
    }
}
