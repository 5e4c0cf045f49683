using Bal.Domain.Recording;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Infrastructure.Json;

/// <summary>The daemon's answer to <c>ready</c>.</summary>
public static class ReadyJson
{
    private static readonly Codec<ServiceReady> Service = Codec.Object<ServiceReady>(m => new(
        m.Of("name", Scalar.Text, s => s.Name),
        m.Of("usable_backends", Scalar.Count, s => s.Usable)));

    private static readonly Codec<ReadyReport> Report = Codec.Object<ReadyReport>(m =>
    {
        _ = m.Of("ready", Scalar.Flag, r => r.Refusal.IsNone);
        return new(
            ReportCodec.ConfigPath(m, r => r.ConfigPath),
            m.Of("reason", Codec.Maybe(Scalar.Text), r => r.Refusal),
            m.Of("services", Codec.List(Service), r => r.Services));
    });

    /// <summary>Indented JSON with a newline at the end.</summary>
    public static byte[] Write(ReadyReport report) => JsonReport.Write(Report, report);

    /// <summary>Reads what <see cref="Write"/> wrote; an answer of something else is refused.</summary>
    public static Either<string, ReadyReport> Read(ReadOnlyMemory<byte> text) =>
        CanonicalJson.Read(Report, text).MapLeft(fault => fault.ToText());
}
