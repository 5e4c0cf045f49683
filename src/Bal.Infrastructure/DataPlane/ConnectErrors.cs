using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.DataPlane;

/// <summary>What an errno of connect(2), socket(2) or SO_ERROR says about a backend.</summary>
internal static class ConnectErrors
{
    /// <summary>What keeps a client from being served where every attempt ends like this.</summary>
    public static Refusal CauseOf(int error) => error switch
    {
        Errno.EMFILE or Errno.ENFILE => Refusal.Descriptors,
        // connect(2): EAGAIN is "insufficient entries", and EADDRINUSE what some kernels say for it.
        Errno.EADDRNOTAVAIL or Errno.EADDRINUSE or Errno.EAGAIN => Refusal.LocalPorts,
        Errno.ENOBUFS or Errno.ENOMEM => Refusal.KernelMemory,
        Errno.ENETUNREACH or Errno.EHOSTUNREACH or Errno.EACCES or Errno.EPERM or Errno.EAFNOSUPPORT
            or Errno.ENETDOWN or Errno.EHOSTDOWN => Refusal.NoRoute,
        Errno.ECONNREFUSED or Errno.ETIMEDOUT or Errno.ECONNRESET or Errno.EPIPE or Errno.ECONNABORTED or 0 =>
            Refusal.BackendsUnavailable,
        _ => Refusal.KernelRefusal,
    };

    /// <summary>
    /// Whether a connection failed because its peer no longer answered: the kernel names an ICMP error that came
    /// meanwhile in place of the timeout (tcp_write_err).
    /// </summary>
    public static bool IsSilence(int error) =>
        error is Errno.ETIMEDOUT or Errno.EHOSTUNREACH or Errno.ENETUNREACH or Errno.EHOSTDOWN;

    /// <summary>What it says about the backend.</summary>
    public static FailureKind KindOf(int error) => error switch
    {
        Errno.ECONNREFUSED => FailureKind.Refused,
        Errno.ETIMEDOUT => FailureKind.Timeout,
        // What this machine has run out of: descriptors, local ports, memory, watches of epoll.
        Errno.EMFILE or Errno.ENFILE or Errno.ENOBUFS or Errno.ENOMEM or Errno.EADDRNOTAVAIL or Errno.EAGAIN
            or Errno.EADDRINUSE or Errno.ENOSPC => FailureKind.Local,
        // EAFNOSUPPORT: a kernel without IPv6.
        Errno.ENETUNREACH or Errno.EHOSTUNREACH or Errno.ENETDOWN or Errno.EHOSTDOWN or Errno.EAFNOSUPPORT
            => FailureKind.NoRoute,
        Errno.EPERM or Errno.EACCES => FailureKind.NotPermitted,
        _ => FailureKind.Other,
    };
}
