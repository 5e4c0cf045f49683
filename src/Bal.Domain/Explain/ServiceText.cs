using Bal.Domain.Admission;
using Bal.Domain.Config;
using Bal.Domain.Primitives;
using Bal.Domain.Protection;
using Bal.Domain.Relay;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Domain.Explain;

/// <summary>
/// The explanation of everything, and of protection mode, as an operator reads it; order and labels are stable.
/// </summary>
public static class ServiceText
{
    /// <summary>With several services, one line each, for at most this many.</summary>
    private const int MostServices = 50;

    private const int MostNames = 10;

    /// <summary>Everything: of a single service in full, of several in a line each.</summary>
    public static Arr<string> Lines(ClockReading clock, Overview overview)
    {
        var services = overview.Services;
        var several = services.Count > 1;
        return Prelude.Array($"configuration: {overview.ConfigVersion}")
            .Append(overview.Stopping.Match(
                Some: stop => Prelude.Array(
                    $"stopping: since {HistoryText.Time(clock, stop.Since)}; {End(clock, stop)}"),
                None: () => Arr<string>.Empty))
            .Append(overview.RefusedReload.Match(
                Some: refused => Prelude.Array(
                    $"reload: refused at {HistoryText.Time(clock, refused.At)}, the earlier configuration serves: "
                    + refused.Problem.WhatHappened),
                None: () => Arr<string>.Empty))
            .Append(several
                ? new Arr<string>(services.Take(MostServices).Select(Line))
                : services.Bind(service => Body(clock, service)))
            .Append(services.Count > MostServices
                ? Prelude.Array($"and {Plural.Of(services.Count - MostServices, "more service")}")
                : Arr<string>.Empty)
            .Add(several
                ? "next: 'bal explain SERVICE' and 'bal explain SERVICE/BACKEND' show what led there"
                : "next: 'bal explain backend N' and 'bal explain protection' show what led there");
    }

    /// <summary>One service in full.</summary>
    public static Arr<string> Lines(ClockReading clock, ServiceExplanation service) =>
        Prelude.Array($"service: {service.Name}{(service.Removed ? " (removed by a reload, draining)" : "")}")
            .Append(Body(clock, service))
            .Add(service.Removed
                ? "next: nothing to do; it is gone once its last connection has ended"
                : $"next: 'bal explain {service.Name}/N' shows what led there");

    private static string Line(ServiceExplanation service)
    {
        var backends = service.Backends.Filter(b => b.Position > 0);
        return $"service {service.Name}: "
            + (service.Removed
                ? "removed by a reload, draining"
                : $"{backends.Count(b => b.State == BackendReport.Up)} of {Plural.Of(backends.Count, "backend")} up, "
                    + "protection mode "
                    + service.Protection.Standing.Match(_ => "off", on => $"on ({ProtectionText.Of(on.Reason)})"))
            + $", {Plural.Of(service.Connections.Active, "connection")}";
    }

    private static Arr<string> Body(ClockReading clock, ServiceExplanation service) =>
        Prelude.Array($"listener: {service.Listener}"
                + (service.Freebind ? ", even while this machine does not have the address (freebind)" : ""))
            .Append(service.ServerNames.IsEmpty && service.Beside.IsEmpty
                ? Arr<string>.Empty
                : Prelude.Array($"server_names: {Names(service)}"))
            .Append(Prelude.Array(
                Connections(service.Connections),
                $"protection_mode: {ProtectionSentence(clock, service.Protection)}"))
            .Append(service.Access.Asks ? Prelude.Array($"clients: {Who(service.Access)}") : Arr<string>.Empty)
            .Append(service.ClientLimits.Asks
                ? Prelude.Array($"client_limits: {Limits(service)}") : Arr<string>.Empty)
            .Append(service.SourceAddresses.IsEmpty
                ? Arr<string>.Empty
                : Prelude.Array($"source_addresses: {string.Join(", ", service.SourceAddresses)}, by turns"))
            .Append(service.Proxy == ProxyProtocol.Off
                ? Arr<string>.Empty
                : Prelude.Array($"proxy_protocol: {Headers(service.Proxy)}"))
            .Append(service.Backends.Map(b =>
                $"backend {(b.Position > 0 ? $"{b.Position} " : "")}{b.Address}: {b.State}, "
                + $"{BackendText.Sentence(clock, b)}"));

    private static string Names(ServiceExplanation service) =>
        (service.ServerNames.IsEmpty ? "none, for clients that ask for no name of" : Few(service.ServerNames))
        + (service.Beside.IsEmpty ? "; other clients are rejected"
            : service.ServerNames.IsEmpty ? $" {Few(service.Beside)}"
            : $"; {Few(service.Beside)} on the same address");

    private static string Few(Arr<string> names) =>
        string.Join(", ", names.Take(MostNames))
        + (names.Count > MostNames ? $" and {names.Count - MostNames} more" : "");

    private static string Limits(ServiceExplanation service) => service.Clients.Match(
        known => ClientsText.Of(service.ClientLimits, known), () => ClientsText.Of(service.ClientLimits));

    private static string Who(AccessRule access) => string.Join("; ", new[]
    {
        access.Allow.IsGiven ? $"only those of 'allow' ({access.Allow.ToText()})" : "",
        access.Deny.IsGiven ? $"not those of 'deny' ({access.Deny.ToText()})" : "",
    }.Where(part => part.Length > 0));

    private static string Headers(ProxyProtocol proxy) => string.Join("; ", new[]
    {
        proxy.AcceptFrom.IsGiven
            ? "clients from "
                + string.Join(", ", new[]
                {
                    proxy.AcceptFrom.Networks.IsEmpty ? "" : Plural.Of(
                        proxy.AcceptFrom.Networks.Ranges, "range of addresses", "ranges of addresses"),
                    proxy.AcceptFrom.Unix ? "a Unix socket" : "",
                }.Where(part => part.Length > 0)) + " are who their PROXY header says"
            : "",
        proxy.Send != ProxyVersion.None ? $"backends get one of version {(int)proxy.Send}" : "",
    }.Where(part => part.Length > 0));

    /// <summary>Protection mode with its history.</summary>
    public static Arr<string> Lines(ClockReading clock, ProtectionExplanation protection) =>
        Prelude.Array(
                $"protection_mode: "
                + $"{protection.Standing.Match(_ => "off", on => $"on ({ProtectionText.Of(on.Reason)})")}",
                $"why: {Why(clock, protection)}",
                $"next: {Next(clock, protection)}",
                "effect: " + protection.Standing.Match(
                    _ => "none; while it is on, backoff cap and cooldown are doubled and a client gets one "
                        + "last-resort try",
                    _ => "backoff cap and cooldown are doubled, and a client gets one last-resort try"),
                protection.Events.IsEmpty ? "history: it was never on" : "history:")
            .Append(HistoryText.Lines(clock, protection.Events).Map(line => "  " + line));

    private static string ProtectionSentence(ClockReading clock, ProtectionExplanation protection) =>
        protection.Standing.Match(_ => "off", on => $"on ({ProtectionText.Of(on.Reason)})")
        + $", {Why(clock, protection)}; {Next(clock, protection)}";

    private static string Why(ClockReading clock, ProtectionExplanation protection) => protection.Standing.Match(
        off => $"{off.Failures} of {protection.Policy.TriggerThreshold} failed client connects within "
            + protection.Policy.Window.ToText(),
        on => $"on since {HistoryText.Time(clock, on.Since)}: "
            + (on.Reason == ProtectionReason.AllBackendsUnavailable
                ? "every backend failed for one client"
                : on.TrippedBy.Match(
                    t => $"{t.Failures} of {t.Policy.TriggerThreshold} failed client connects (timeout or refused) "
                        + $"within "
                        + t.Policy.Window.ToText(),
                    () => "too many failed client connects"))
            + (on.FailedSince > 0 ? $"; {on.FailedSince} more failed since" : ""));

    private static string Next(ClockReading clock, ProtectionExplanation protection) => protection.Standing.Match(
        off => $"{off.FailuresToOn} more within the window, or one client for which every backend fails, turn it on"
            + off.OldestLeavesAt.Match(
                at => $"; the oldest leaves the window in {at.Since(clock.Now).ToText()}", () => ""),
        on => $"{on.Successes} of {protection.Policy.StableSuccessThreshold} successes in a row so far, "
            + $"{on.SuccessesToOff} more turn it off; a failed client connect resets the count");

    private static string End(ClockReading clock, StopExplanation stop) =>
        (from cuts in stop.CutsAt
         from ends in stop.EndsAt
         select $"remaining connections are closed from {HistoryText.Time(clock, cuts)}; bal exits by "
            + HistoryText.Time(clock, ends))
        .IfNone("another process serves; this one ends with its last connection");

    private static string Connections(ConnectionsExplanation connections) =>
        $"connections: {connections.Active} of {connections.Limit}"
        + (connections.Left == 0 ? ": the limit is reached, new clients are rejected" : "")
        + (connections.Waiting > 0
            ? $", {Plural.Of(connections.Waiting, "of them waits", "of them wait")} for a backend with room" : "")
        + (connections.Rejected > 0 ? $" ({connections.Rejected} rejected since the start)" : "");
}
