using System.Diagnostics;
using Bal.Domain.Admission;
using Bal.Domain.Messages;

namespace Bal.Infrastructure.Linux;

/// <summary>Keys of hash tables that clients can put numbers into.</summary>
internal static class Seed
{
    /// <summary>A key that nobody knows.</summary>
    public static SipHash OfHash()
    {
        // Without it the runtime has no random numbers either.
        if (File.Exists("/dev/urandom"))
        {
            var random = Guid.NewGuid().ToByteArray();
            return new(BitConverter.ToUInt64(random), BitConverter.ToUInt64(random, sizeof(ulong)));
        }

        Facilities.Refused(Facility.Random, Errno.ENOENT);
        return new((ulong)Stopwatch.GetTimestamp(), (ulong)Environment.ProcessId);
    }
}
