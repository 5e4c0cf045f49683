using System.Text;

namespace Bal.Infrastructure.Linux;

/// <summary>A Unix datagram socket (unix(7)) that sends to one address and never waits for the receiver.</summary>
internal sealed unsafe class NotifySocket : IDisposable
{
    // sun_path; a path name needs one of them for its closing NUL, an abstract one does not.
    private const int PathBytes = 108;
    private const int FamilyBytes = 2;

    private readonly int fd;
    private readonly byte[] address;

    private NotifySocket(int fd, byte[] address) => (this.fd, this.address) = (fd, address);

    /// <summary>
    /// A socket that sends to an absolute path, or to the abstract name behind an <c>@</c>; null where the address is
    /// of another kind or too long, or no socket is to be had.
    /// </summary>
    public static NotifySocket? To(string name)
    {
        if (AddressOf(name) is not { } address)
            return null;
        var fd = Libc.socket(Libc.AF_UNIX, Libc.SOCK_DGRAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        return fd < 0 ? null : new NotifySocket(fd, address);
    }

    /// <summary>Sends one datagram; 0, or the errno with which it was not sent (EAGAIN: the receiver's queue is
    /// full).</summary>
    public int Send(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        fixed (byte* first = bytes, to = address)
        {
            var sent = Libc.sendto(fd, first, (nuint)bytes.Length, Libc.MSG_NOSIGNAL, to, (uint)address.Length);
            return sent < 0 ? Sockets.LastError : 0;
        }
    }

    public void Dispose() => _ = Libc.close(fd);

    private static byte[]? AddressOf(string name)
    {
        var path = Encoding.UTF8.GetBytes(name);
        if (path.Length < 2 || path[0] is not ((byte)'/' or (byte)'@') || path.AsSpan(1).Contains((byte)0))
            return null;
        var isAbstract = path[0] == (byte)'@';
        var length = path.Length + (isAbstract ? 0 : 1);
        if (length > PathBytes)
            return null;
        var address = new byte[FamilyBytes + length];
        BitConverter.TryWriteBytes(address, (ushort)Libc.AF_UNIX);
        path.CopyTo(address, FamilyBytes);
        if (isAbstract)
            address[FamilyBytes] = 0;
        return address;
    }
}
