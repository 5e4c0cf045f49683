using System.Globalization;
using System.Text;
using Bal.Infrastructure.Process;

namespace Bal.Fuzz.Targets;

/// <summary>
/// The content of a PID file: nothing that kill(2) takes for more than one process is ever a process id.
/// </summary>
internal static class PidTarget
{
    internal static void Run(byte[] bytes)
    {
        var content = PidContent.Parse(bytes);
        var said = content.ToText();
        Claim.That(Terminal.IsHarmless(said) && said.Length <= 64, "a PID file can steer the terminal");
        if (content is not PidContent.Pid pid) return;
        Claim.That(pid.Value >= 1, "a process id is positive");
        Claim.That(bytes.Length <= PidContent.MaxBytes, "a process id is short");
        Claim.That(Encoding.ASCII.GetString(bytes).Trim().TrimStart('0')
            == pid.Value.ToString(CultureInfo.InvariantCulture), "a process id is the digits of the file");
    }
}
