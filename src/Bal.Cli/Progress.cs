using Bal.Domain.Primitives;

namespace Bal.Cli;

/// <summary>What a waiting command says meanwhile: one line that is rewritten on a terminal, lines elsewhere.</summary>
internal sealed class Progress(Output output)
{
    private bool _open;

    /// <summary>Says how far it is.</summary>
    internal void Show(string line)
    {
        if (output.IsTerminal) output.WriteRaw($"\r\e[K{Printable.Line(line)}");
        else output.Write(line + "\n");
        _open = output.IsTerminal;
    }

    /// <summary>Leaves the line.</summary>
    internal void End()
    {
        if (_open) output.Write("\n");
        _open = false;
    }
}
