using Bal.Domain.Primitives;

namespace Bal.Cli;

/// <summary>The progress of a waiting command: one line, rewritten, on a terminal; separate lines elsewhere.</summary>
internal sealed class Progress(Output output)
{
    private bool _open;

    /// <summary>Shows the current progress.</summary>
    internal void Show(string line)
    {
        if (output.IsTerminal) output.WriteRaw($"\r\e[K{Printable.Line(line)}");
        else output.Write(line + "\n");
        _open = output.IsTerminal;
    }

    /// <summary>Ends the line.</summary>
    internal void End()
    {
        if (_open) output.Write("\n");
        _open = false;
    }
}
