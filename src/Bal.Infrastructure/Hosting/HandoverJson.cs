using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Recording;
using Bal.Infrastructure.DataPlane;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>
/// The form of a <see cref="Handover"/> between two versions of bal. Members may be added: a reader that does not know
/// one ignores it, and refuses before anything was changed where the document lists it as one that must be known.
/// </summary>
internal static class HandoverJson
{
    private static readonly Codec<Arr<string>> Names = Codec.List(Scalar.Text);

    private static readonly Codec<Arr<long>> Numbers = Codec.List(Scalar.Number);

    private static readonly Codec<int> Columns = Scalar.Integer(-1, ClientTable.MaxColumns - 1);

    private static readonly Codec<Arr<ServiceHandover>> Services = Codec.List(Codec.Object<ServiceHandover>(m => new(
        m.Of("name", Scalar.Text, s => s.Name),
        m.Of("sockets", Scalar.Count, s => s.Sockets),
        m.Of("turn", Scalar.Unsigned, s => s.Turn))
    {
        HasClients = m.Of("clients", Scalar.Flag, s => s.HasClients, missing: false),
        Files = m.Of("socket_files", Names, s => s.Files, Arr<string>.Empty),
    }));

    private static readonly Codec<Arr<ServiceSlot>> Slots = Codec.List(Codec.Object<ServiceSlot>(m => new(
        m.Of("id", Scalar.Service, s => s.Service),
        m.Of("name", Scalar.Text, s => s.Name),
        m.Of("slot", Scalar.Count, s => s.Slot))));

    private static readonly Codec<Arr<ProcessHandover>> Processes = Codec.List(Codec.Object<ProcessHandover>(m =>
    {
        var names = m.Of("services", Names, p => p.Names);
        return new(
            m.Of("pid", Scalar.Count, p => p.Pid),
            m.Of("version", Scalar.Text, p => p.Version),
            m.Of("since", Scalar.At, p => p.Since),
            m.Of("slots", Slots, p => p.Services, ProcessHandover.SlotsOf(names)),
            m.Of("traffic", TrafficCodec.Traffic, p => p.Reported))
        {
            PlaceSlots = m.Of("places", Numbers, p => p.PlaceSlots, Arr<long>.Empty),
            ClientColumn = m.Of("client_column", Columns, p => p.ClientColumn, missing: -1),
        };
    }));

    // In the order of the state. Only from process to process: whatever is recorded or reported leaves them out.
    private static readonly Codec<Arr<Octets>> Secrets =
        Codec.List(Scalar.Text.Where(text => Convert.TryFromBase64String(text, new byte[text.Length], out _), "base64")
            .Wrap<Octets>(
                octets => Convert.ToBase64String(octets.Bytes.Span),
                text => Octets.Of(Convert.FromBase64String(text))));

    private static readonly Codec<Handover> Document = Codec.Of(Body.Document(Body.Of<Handover>(m =>
    {
        _ = m.Of("format", Format0_1_0.Format, h => Format0_1_0.FormatOf(h.State));
        var secrets = m.MustKnow("check_secrets", Secrets, h => CheckSecrets.Of(h.State), Arr<Octets>.Empty);
        return new(
            m.Of("version", Scalar.Text, h => h.Version),
            m.Of("started_at", Scalar.At, h => h.StartedAt),
            m.Of("services", Services, h => h.Services),
            m.Of("before", TrafficCodec.Traffic, h => h.Before),
            m.Of("processes", Processes, h => h.Processes),
            m.Of("state", CheckSecrets.Taking(Format0_1_0.State, secrets), h => h.State));
    })));

    public static byte[] Write(Handover handover) => CanonicalJson.Bytes(Document, handover);

    public static Either<Problem, Handover> Read(ReadOnlyMemory<byte> text) =>
        CanonicalJson.Read(Document, text).MapLeft(fault => fault.Unknown.Length == 0
            ? NotUnderstood(fault.ToText())
            : Uses(fault.Unknown));

    /// <summary>Why another process's words mean nothing to this one.</summary>
    public static Problem NotUnderstood(string why) => new(
        "upgrade_not_understood",
        $"the state handed over by the running bal was not understood: {why}",
        "the running version and the new one are too far apart",
        "run 'bal stop' and 'bal start -d' with the new binary; this ends the open connections");

    private static Problem Uses(string member) => new(
        "upgrade_not_understood",
        $"the running bal uses '{member}', which this version does not know",
        "the new binary is older than the running one",
        member.EndsWith("override", StringComparison.Ordinal)
            ? "upgrade to a version that knows it, or run 'bal enable --all' first"
            : "upgrade to a version that knows it, or remove it from the configuration and run 'bal graceful' first");
}
