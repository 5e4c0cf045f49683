using System.Net.NetworkInformation;
using System.Runtime.InteropServices;
using Bal.Domain.Config;
using LanguageExt;

namespace Bal.Infrastructure.Linux;

/// <summary>What validation needs to know of this machine.</summary>
public static partial class LinuxHostFacts
{
    private const int RLIMIT_NOFILE = 7;

    /// <summary>The facts as they are now; what cannot be had is left out, so that it only costs a warning.</summary>
    public static HostFacts Gather() => new(HardDescriptorLimit(), LocalAddresses())
    {
        HostName = System.Net.Dns.GetHostName(),
        Processors = Environment.ProcessorCount,
    };

    private static Option<long> HardDescriptorLimit() =>
        GetResourceLimit(RLIMIT_NOFILE, out var limit) == 0 && limit.Hard <= long.MaxValue
            ? Option<long>.Some((long)limit.Hard)
            : Option<long>.None;

    private static Arr<System.Net.IPAddress> LocalAddresses()
    {
        try
        {
            return new(NetworkInterface.GetAllNetworkInterfaces()
                .SelectMany(nic => nic.GetIPProperties().UnicastAddresses)
                .Select(unicast => unicast.Address));
        }
        // Without a descriptor to spare the tables in /proc cannot be read.
        catch (Exception e) when (e is NetworkInformationException or IOException or UnauthorizedAccessException)
        {
            return Arr<System.Net.IPAddress>.Empty;
        }
    }

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    private static partial int GetResourceLimit(int resource, out ResourceLimit limit);

    [StructLayout(LayoutKind.Sequential)]
    private struct ResourceLimit
    {
        public ulong Soft;
        public ulong Hard;
    }
}
