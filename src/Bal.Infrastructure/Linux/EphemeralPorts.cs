using System.Globalization;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// The ports that the kernel chooses for outgoing connections (ip(7), ip_local_port_range), as they are at start.
/// </summary>
internal static class EphemeralPorts
{
    private static readonly (int Low, int High) Range = Read();

    public static bool Contains(int port) => port >= Range.Low && port <= Range.High;

    private static (int Low, int High) Read()
    {
        try
        {
            var ends = File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range").Split('\t', ' ', '\n');
            return (int.Parse(ends[0], CultureInfo.InvariantCulture), int.Parse(ends[1], CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            // Unknown: any port may be one.
            return (1, 65_535);
        }
    }
}
