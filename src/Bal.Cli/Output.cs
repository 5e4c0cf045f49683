using System.Text;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Infrastructure.Process;

namespace Bal.Cli;

/// <summary>The output could not be written, for a reason other than a reader that went away.</summary>
internal sealed class OutputException(string message, Exception inner) : Exception(message, inner);

/// <summary>
/// Standard output or standard error. A reader that closes its end early is no error: what it does not want is lost.
/// </summary>
/// <param name="error">Whether the bytes go to standard error.</param>
/// <param name="isTerminal">Whether a person reads along.</param>
/// <param name="colour">Whether result words are coloured.</param>
internal sealed class Output(bool error, bool isTerminal, bool colour)
{
    /// <summary>Whether a line may be rewritten in place.</summary>
    internal bool IsTerminal => isTerminal;

    /// <summary>Standard output or standard error of this process.</summary>
    internal static Output Standard(bool error, Func<string, string?> variable)
    {
        var terminal = StandardStream.IsTerminal(error);
        var colour = terminal && string.IsNullOrEmpty(variable("NO_COLOR")) && variable("TERM") is not (null or "dumb");
        return new Output(error, terminal, colour);
    }

    /// <summary>Writes text, in which nothing that came from outside can steer the terminal.</summary>
    internal void Write(string text) => WriteRaw(Printable.Lines(text));

    /// <summary>Writes text as it is: for what bal itself wants to say to the terminal.</summary>
    internal void WriteRaw(string text)
    {
        try
        {
            StandardStream.Write(error, Encoding.UTF8.GetBytes(text));
        }
        catch (IOException e)
        {
            throw new OutputException(e.Message, e);
        }
    }

    /// <summary>Writes the three lines of a problem.</summary>
    internal void Problem(Problem problem) => Write(problem.ToText());

    /// <summary>Writes a report, with the word of its result coloured where that is wanted.</summary>
    internal void Report(string text) =>
        WriteRaw(colour ? Palette.Colour(Printable.Lines(text)) : Printable.Lines(text));
}
