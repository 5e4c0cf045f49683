using System.Text;
using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>One end of the connection between a process and the one that replaces it.</summary>
/// <param name="fd">A socket as <see cref="MessageSocket"/> makes it; this object's from now on.</param>
internal sealed class Link(int fd) : IDisposable
{
    /// <summary>The largest document: the whole state with its configuration.</summary>
    private const long MaxDocument = 64 * 1024 * 1024;

    private bool closed;

    public int Fd => fd;

    /// <summary>Sends a word; false where the other end is gone or does not read.</summary>
    public bool Send(string word, params ReadOnlySpan<int> descriptors) =>
        !closed && MessageSocket.Send(fd, Encoding.UTF8.GetBytes(word), descriptors);

    /// <summary>Sends a word with a document of any size.</summary>
    public bool SendDocument(string word, ReadOnlySpan<byte> document)
    {
        var memory = SharedMemory.Of("bal-" + word, document);
        if (memory < 0)
            return false;
        var sent = Send(word, memory);
        _ = Libc.close(memory);
        return sent;
    }

    /// <summary>Sends the three lines of a problem.</summary>
    public bool SendProblem(Problem problem) => Send(
        $"refused\n{Line(problem.Code)}\n{Line(problem.WhatHappened)}\n"
            + $"{Line(problem.WhyLikely)}\n{Line(problem.DoThisNow)}");

    /// <summary>The next message; none where none has come yet.</summary>
    public Option<LinkMessage> Receive()
    {
        Span<byte> bytes = stackalloc byte[MessageSocket.MaxBytes];
        while (true)
        {
            var length = MessageSocket.Receive(fd, bytes, out var descriptors);
            if (length > 0)
                return new LinkMessage(Encoding.UTF8.GetString(bytes[..length]).Split('\n'), descriptors);
            if (length < 0 && Sockets.LastError == Errno.EINTR)
                continue;
            return length < 0 && Sockets.LastError == Errno.EAGAIN
                ? Option<LinkMessage>.None
                : new LinkMessage([LinkMessage.Closed], []);
        }
    }

    /// <summary>The same, waiting for it.</summary>
    public Option<LinkMessage> Receive(Duration patience) =>
        Libc.WaitFor(fd, Libc.POLLIN, patience.Milliseconds) ? Receive() : Option<LinkMessage>.None;

    public void Dispose()
    {
        if (!closed)
            _ = Libc.close(fd);
        closed = true;
    }

    /// <summary>Reads the document of a message and closes its descriptor; null where there is none.</summary>
    public static byte[]? DocumentOf(LinkMessage message)
    {
        var document = message.Descriptors.Length == 1 ? SharedMemory.Read(message.Descriptors[0], MaxDocument) : null;
        message.CloseDescriptors();
        return document;
    }

    private static string Line(string text)
    {
        var line = text.ReplaceLineEndings(" ");
        return line.Length <= 400 ? line : line[..399] + "…";
    }
}

/// <summary>One message: a word, what belongs to it, and descriptors, which are the receiver's.</summary>
internal sealed record LinkMessage(string[] Lines, int[] Descriptors)
{
    /// <summary>The word that stands for the end of the connection.</summary>
    public const string Closed = "closed";

    public string Word => Lines[0];

    /// <summary>The problem that <see cref="Link.SendProblem"/> sent.</summary>
    public Problem ToProblem() => Lines is [_, var code, var what, var why, var now]
        ? new(code, what, why, now)
        : new("upgrade_refused", "the new process refused to serve", "it did not say why", "see its log");

    public void CloseDescriptors()
    {
        foreach (var descriptor in Descriptors)
            _ = Libc.close(descriptor);
    }
}
