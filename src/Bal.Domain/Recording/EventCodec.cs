using System.Text.Json;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using LanguageExt;
using Read = Bal.Domain.Recording.Decoded<Bal.Domain.Control.ControlEvent>;

namespace Bal.Domain.Recording;

/// <summary>The form of what happened.</summary>
internal static class EventCodec
{
    private static readonly Codec<Option<System.Net.IPAddress>> Via = Codec.Maybe(Scalar.Address);

    private static readonly Codec<Refusal> Reasons =
        Codec.Words(Refusals.All, reason => Counting.ServiceCounters.Of(reason).Word);

    public static readonly Codec<ControlEvent> Event = Codec.Object<ControlEvent>(Write, json => Of(json));

    private static void Write(Utf8JsonWriter json, ControlEvent happened)
    {
        json.WriteString("kind", Kind(happened));
        switch (happened)
        {
            case ControlEvent.ProbeEnded e:
                json.Put("backend", Scalar.Id, e.Backend);
                json.Put("outcome", OutcomeCodec.Outcomes, e.Outcome);
                json.Put("via", Via, e.Via);
                break;
            case ControlEvent.Resolved e:
                json.Put("name", Scalar.Text, e.Name);
                json.Put("addresses", TableCodec.Addresses, e.Addresses);
                break;
            case ControlEvent.ConnectsFailed e:
                json.Put("backend", Scalar.Id, e.Backend);
                json.Put("failure", OutcomeCodec.Kind, e.Kind);
                json.Put("count", Scalar.Positive, e.Count);
                break;
            case ControlEvent.ConnectsSucceeded e:
                json.Put("backend", Scalar.Id, e.Backend);
                json.Put("count", Scalar.Positive, e.Count);
                break;
            case ControlEvent.ClientExhausted e:
                json.Put("service", Scalar.Positive, e.Service.Value);
                break;
            case ControlEvent.ClientsRefused e:
                json.Put("service", Scalar.Positive, e.Service.Value);
                json.Put("reason", Reasons, e.Reason);
                json.Put("total", Scalar.Total, e.Total);
                break;
            case ControlEvent.ReportsLost e:
                json.Put("total", Scalar.Total, e.Total);
                break;
            case ControlEvent.BackendIdle e:
                json.Put("backend", Scalar.Id, e.Backend);
                break;
            case ControlEvent.Reloaded e:
                json.Put("config", ConfigCodec.Config, e.Config);
                break;
            case ControlEvent.ReloadRefused e:
                json.Put("problem", OutcomeCodec.Problem, e.Problem);
                break;
            case ControlEvent.HandedOver e:
                json.Put("pid", Scalar.Count, e.Pid);
                break;
        }
    }

    private static Read Of(JsonElement json) => json.Get("kind", Scalar.Text).Bind(kind => kind switch
    {
        "tick" => Read.Of(new ControlEvent.Tick()),
        "probe_ended" =>
            from backend in json.Get("backend", Scalar.Id)
            from outcome in json.Get("outcome", OutcomeCodec.Outcomes)
            from via in json.Get("via", Via)
            select (ControlEvent)new ControlEvent.ProbeEnded(backend, outcome, via),
        "resolved" =>
            from name in json.Get("name", Scalar.Text)
            from addresses in json.Get("addresses", TableCodec.Addresses)
            select (ControlEvent)new ControlEvent.Resolved(name, addresses),
        "connects_failed" =>
            from backend in json.Get("backend", Scalar.Id)
            from failure in json.Get("failure", OutcomeCodec.Kind)
            from count in json.Get("count", Scalar.Positive)
            select (ControlEvent)new ControlEvent.ConnectsFailed(backend, failure, count),
        "connects_succeeded" =>
            from backend in json.Get("backend", Scalar.Id)
            from count in json.Get("count", Scalar.Positive)
            select (ControlEvent)new ControlEvent.ConnectsSucceeded(backend, count),
        "client_exhausted" => json.Get("service", Scalar.Positive)
            .Map(service => (ControlEvent)new ControlEvent.ClientExhausted(new ServiceId(service))),
        "clients_refused" =>
            from service in json.Get("service", Scalar.Positive)
            from reason in json.Get("reason", Reasons)
            from total in json.Get("total", Scalar.Total)
            select (ControlEvent)new ControlEvent.ClientsRefused(new ServiceId(service), reason, total),
        "reports_lost" => json.Get("total", Scalar.Total)
            .Map(total => (ControlEvent)new ControlEvent.ReportsLost(total)),
        "backend_idle" => json.Get("backend", Scalar.Id)
            .Map(backend => (ControlEvent)new ControlEvent.BackendIdle(backend)),
        "reloaded" => json.Get("config", ConfigCodec.Config)
            .Map(config => (ControlEvent)new ControlEvent.Reloaded(config)),
        "reload_refused" => json.Get("problem", OutcomeCodec.Problem)
            .Map(problem => (ControlEvent)new ControlEvent.ReloadRefused(problem)),
        "stop_requested" => new ControlEvent.StopRequested(),
        "all_idle" => new ControlEvent.AllIdle(),
        "handed_over" => json.Get("pid", Scalar.Count).Map(pid => (ControlEvent)new ControlEvent.HandedOver(pid)),
        _ => new CodecFault("kind", "the name of an event belongs here"),
    });

    /// <summary>The stable snake_case name of the kind of event.</summary>
    public static string Kind(ControlEvent happened) => happened.Match(
        tick: () => "tick",
        probeEnded: _ => "probe_ended",
        resolved: _ => "resolved",
        connectsFailed: _ => "connects_failed",
        connectsSucceeded: _ => "connects_succeeded",
        clientExhausted: _ => "client_exhausted",
        clientsRefused: _ => "clients_refused",
        reportsLost: _ => "reports_lost",
        backendIdle: _ => "backend_idle",
        reloaded: _ => "reloaded",
        reloadRefused: _ => "reload_refused",
        stopRequested: () => "stop_requested",
        allIdle: () => "all_idle",
        handedOver: _ => "handed_over");
}
