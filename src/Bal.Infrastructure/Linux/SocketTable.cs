using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Bal.Domain.Doctor;
using LanguageExt;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// Who listens where, from /proc/net/tcp and tcp6 (proc(5)) and the descriptors of each process. Another user's
/// descriptors are invisible without privilege, so an unknown holder is an ordinary answer.
/// </summary>
internal static class SocketTable
{
    private const string Listening = "0A";

    /// <summary>The inodes of listening sockets that overlap <paramref name="wanted"/>.</summary>
    internal static IReadOnlySet<string> ListenersOn(IPEndPoint wanted) =>
        ListeningRows("/proc/net/tcp").Concat(ListeningRows("/proc/net/tcp6"))
            .Select(row => row.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields.Length > 9 && fields[3] == Listening && Overlaps(fields[1], wanted))
            .Select(fields => fields[9])
            .ToHashSet();

    /// <summary>The inodes of the Unix sockets that listen at a path (/proc/net/unix, proc(5)).</summary>
    internal static IReadOnlySet<string> ListenersOn(string path) => Rows("/proc/net/unix")
        // Num RefCount Protocol Flags Type St Inode Path; the flag is __SO_ACCEPTCON.
        .Select(row => row.Split(' ', 8, StringSplitOptions.RemoveEmptyEntries))
        .Where(fields => fields.Length == 8 && fields[3] == "00010000" && fields[7] == path)
        .Select(fields => fields[6])
        .ToHashSet();

    /// <summary>Whether the process has one of the sockets open.</summary>
    internal static bool Holds(int processId, IReadOnlySet<string> inodes) =>
        inodes.Count > 0 && Sockets(processId).Any(inodes.Contains);

    /// <summary>
    /// Those of <see cref="ListenersOn(IPEndPoint)"/> that this process does not have open: somebody else's. One of its
    /// own that is being closed meanwhile is still listed for a moment, but not twice.
    /// </summary>
    internal static IReadOnlySet<string> OthersOn(IPEndPoint wanted)
    {
        var others = Look();
        for (var again = 0; again < 2 && others.Count > 0; again++)
            others.IntersectWith(Look());
        return others;

        // The own ones first: what is closed after that is in neither list, what stays is in both.
        System.Collections.Generic.HashSet<string> Look()
        {
            var own = Sockets(Environment.ProcessId).ToHashSet();
            return ListenersOn(wanted).Where(inode => !own.Contains(inode)).ToHashSet();
        }
    }

    /// <summary>The first process found that has one of the sockets open.</summary>
    internal static Option<PortHolder> HolderOf(IReadOnlySet<string> inodes)
    {
        if (inodes.Count == 0) return Option<PortHolder>.None;
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                || !Holds(id, inodes)) continue;
            return Prelude.Some(new PortHolder(id, Rows($"{directory}/comm").FirstOrDefault("")));
        }

        return Option<PortHolder>.None;
    }

    private static IEnumerable<string> Sockets(int processId)
    {
        const string prefix = "socket:[";
        string[] descriptors;
        try
        {
            descriptors = Directory.GetFileSystemEntries($"/proc/{processId}/fd");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            yield break;
        }

        foreach (var descriptor in descriptors)
        {
            var target = Target(descriptor);
            if (target.StartsWith(prefix, StringComparison.Ordinal)) yield return target[prefix.Length..^1];
        }
    }

    private static string Target(string link)
    {
        try
        {
            return new FileInfo(link).LinkTarget ?? "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // closed since the directory was read
        }
    }

    private static bool Overlaps(string field, IPEndPoint wanted)
    {
        var colon = field.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0 || Convert.ToInt32(field[(colon + 1)..], 16) != wanted.Port) return false;
        var address = Address(field.AsSpan(0, colon));
        return Covers(address, wanted.Address) || Covers(wanted.Address, address)
            || address.MapToIPv6().Equals(wanted.Address.MapToIPv6());
    }

    // The wildcard of IPv6 takes IPv4 too (ipv6(7)), that of IPv4 only its own kind.
    private static bool Covers(IPAddress wildcard, IPAddress address) => IsWildcard(wildcard)
        && (wildcard.AddressFamily == AddressFamily.InterNetworkV6
            || address.AddressFamily == AddressFamily.InterNetwork);

    private static bool IsWildcard(IPAddress address) =>
        address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    /// <summary>Each group of 32 bits is printed as a number of this machine, so its bytes are in host order.</summary>
    private static IPAddress Address(ReadOnlySpan<char> hex)
    {
        var bytes = new byte[hex.Length / 2];
        for (var i = 0; i + 4 <= bytes.Length; i += 4)
        {
            var group = uint.Parse(hex.Slice(i * 2, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (BitConverter.IsLittleEndian) BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(i), group);
            else BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(i), group);
        }

        return new IPAddress(bytes);
    }

    // A busy machine has a row for each of its connections, up to hundreds of thousands; only those that listen, which
    // are few, become strings.
    private static List<string> ListeningRows(string path)
    {
        var found = new List<string>();
        try
        {
            using var table = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            var buffer = new byte[16 * 1024];
            var have = 0;
            for (int read; (read = table.Read(buffer, have, buffer.Length - have)) > 0;)
            {
                var rest = buffer.AsSpan(0, have + read);
                for (int end; (end = rest.IndexOf((byte)'\n')) >= 0; rest = rest[(end + 1)..])
                {
                    if (rest[..end].IndexOf(" 0A "u8) >= 0) found.Add(Encoding.ASCII.GetString(rest[..end]));
                }

                rest.CopyTo(buffer);
                // A row has some 150 bytes; what fills the buffer is none.
                have = rest.Length < buffer.Length ? rest.Length : 0;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No IPv6, or a /proc that shows nothing: what was found is all that there is to know.
        }

        return found;
    }

    private static string[] Rows(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
