using System.Text.Json;
using Bal.Domain.Messages;
using Bal.Domain.Recording;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Infrastructure.Json;

/// <summary>
/// The JSON of <c>sessions</c>: the daemon's answer, what a replaced process says, and the output of the command. An
/// open connection has the members of a line of the access log; those that its end will give are null.
/// </summary>
public static class SessionsJson
{
    private static readonly Codec<Option<string>> MaybeText = Codec.Maybe(Scalar.Text);

    private static readonly Codec<OpenSession> Session = Codec.Object<OpenSession>(m =>
    {
        _ = m.Of("timestamp", ReportCodec.MaybeTime, _ => Option<DateTimeOffset>.None);
        var started = m.Of("started", ReportCodec.Time, s => s.Started);
        var service = m.Of("service", Scalar.Text, s => s.Service);
        var listener = m.Of("listener", MaybeText, s => s.Listener);
        var client = m.Of("client", MaybeText, s => s.Client);
        var seen = m.Of("client_seen", MaybeText, s => s.ClientSeen);
        var name = m.Of("server_name", MaybeText, s => s.ServerName);
        var backend = m.Of("backend", MaybeText, s => s.Backend);
        var source = m.Of("backend_source", MaybeText, s => s.BackendSource);
        var tries = m.Of("tries", Scalar.Count, s => s.Tries);
        var wait = m.Of("wait_ms", Scalar.Total, s => s.WaitMs);
        var connect = m.Of("connect_ms", Codec.Maybe(Scalar.Total), s => s.ConnectMs);
        var duration = m.Of("duration_ms", Scalar.Total, s => s.DurationMs);
        var bytesIn = m.Of("bytes_in", Scalar.Total, s => s.BytesIn);
        var bytesOut = m.Of("bytes_out", Scalar.Total, s => s.BytesOut);
        _ = m.Of("termination", MaybeText, _ => Option<string>.None);
        return new(
            service,
            m.Of("state", Scalar.Text, s => s.State),
            m.Of("pid", Scalar.Count, s => s.Pid),
            started)
        {
            Listener = listener,
            Client = client,
            ClientSeen = seen,
            ServerName = name,
            Backend = backend,
            BackendSource = source,
            Tries = tries,
            WaitMs = wait,
            ConnectMs = connect,
            DurationMs = duration,
            IdleMs = m.Of("idle_ms", Scalar.Total, s => s.IdleMs),
            BytesIn = bytesIn,
            BytesOut = bytesOut,
        };
    });

    private static readonly Codec<SessionsReport> Report = Codec.Object<SessionsReport>(m => new(
        m.Of("sessions", Codec.List(Session), r => r.Sessions),
        m.Of("total", Scalar.Total, r => r.Total)));

    /// <summary>Indented JSON with a newline at the end.</summary>
    public static byte[] Write(SessionsReport report) => JsonReport.Write(Report, report);

    /// <summary>Reads what <see cref="Write"/> wrote; an answer of something else is refused.</summary>
    public static Either<string, SessionsReport> Read(ReadOnlyMemory<byte> text) =>
        CanonicalJson.Read(Report, text).MapLeft(fault => fault.ToText());

    /// <summary>What came of a reset.</summary>
    public static byte[] WriteReset(long count, Option<Problem> problem) => JsonReport.Write(json =>
    {
        json.WriteNumber("reset", count);
        problem.Match(Some: why => ReloadJson.WriteProblem(json, why), None: () => json.WriteNull("problem"));
    });

    /// <summary>How many were reset; 0 where it is something else.</summary>
    public static long ReadReset(byte[] text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.TryGetProperty("reset", out var count) ? count.GetInt64() : 0;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return 0;
        }
    }
}
