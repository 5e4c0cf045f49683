namespace Bal.Domain.Messages;

/// <summary>A backend that leads to bal itself, as the log, status and doctor say it.</summary>
public static class OwnListenerProblem
{
    /// <summary>The problem.</summary>
    /// <param name="backend">What the file calls the backend.</param>
    public static Problem Of(string backend) => new(
        "backend_is_own_listener",
        $"backend {backend} leads to an address that bal itself listens on: it is neither probed nor used",
        "the backend has bal's own port, or its name resolves to an address of this machine",
        "point it at the backend's own address and port, or change 'port' of bal, and run 'bal graceful'");
}
