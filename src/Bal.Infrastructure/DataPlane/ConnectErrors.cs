using Bal.Domain.Backend;
using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.DataPlane;

/// <summary>What an errno of connect(2), socket(2) or SO_ERROR says about a backend.</summary>
internal static class ConnectErrors
{
    public static FailureKind KindOf(int error) => error switch
    {
        Errno.ECONNREFUSED => FailureKind.Refused,
        Errno.ETIMEDOUT => FailureKind.Timeout,
        // This machine's own doing: descriptors, local ports, memory, a firewall rule of its own (EPERM), a kernel
        // without the address family.
        Errno.EMFILE or Errno.ENFILE or Errno.ENOBUFS or Errno.ENOMEM or Errno.EADDRNOTAVAIL or Errno.EAGAIN
            or Errno.EPERM or Errno.EACCES or Errno.EAFNOSUPPORT or Errno.EADDRINUSE or Errno.ENOSPC
            => FailureKind.Local,
        _ => FailureKind.Other,
    };
}
