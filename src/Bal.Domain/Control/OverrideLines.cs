using System.Globalization;
using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Control;

/// <summary>What the log says of operators' orders.</summary>
internal static class OverrideLines
{
    private const string Module = "override";

    public static LogEvent Set(Service service, BackendState before, BackendState after, Operator by) =>
        LogEvent.Info(Module, "override_set",
            $"backend {Named(service, after)} is {In(after)}, by order of {by.Name}; before: {In(before)}",
            LogField.Of("service", service.Name),
            LogField.Of("backend", after.Endpoint.ToString()),
            after.Override.Match(o => LogField.Of("action", o.Action), () => LogField.Of("action", "enable")),
            LogField.Of("drained", after.IsDrained),
            LogField.Of("weight", after.Weight),
            LogField.Of("weight_before", before.Weight),
            LogField.Of("user", by.Name),
            LogField.Of("uid", by.Uid));

    public static LogEvent Refused(OperatorOrder order, Operator by, ControlState state)
    {
        var id = order.Match(o => o.Backend, o => o.Backend, () => new Backend.BackendId(0), o => o.Backend);
        var (service, backend) = state.Index.Find(id).Match(
            home => (state.Services[home.Service.Value].Config.Name,
                state.Services[home.Service.Value].Backends[home.Place].Endpoint.ToString()),
            () => ("", ""));
        return LogEvent.Warn(Module, "override_refused",
            $"an order of {by.Name} was refused: {backend} is the last usable backend of service {service}",
            LogField.Of("service", service),
            LogField.Of("backend", backend),
            LogField.Of("user", by.Name),
            LogField.Of("uid", by.Uid));
    }

    public static LogEvent Reset(Service service, BackendState backend) => LogEvent.Info(
        Module, "drain_reset",
        $"backend {Named(service, backend)} has drained for as long as it may: connections that are left are reset",
        LogField.Of("service", service.Name),
        LogField.Of("backend", backend.Endpoint.ToString()));

    public static Arr<LogEvent> Read(ControlEvent.OverridesRead read, Arr<KeptOverride> found)
    {
        var gone = read.Overrides.Count - found.Count;
        var lines = read.Overrides.IsEmpty ? Arr<LogEvent>.Empty : Prelude.Array(LogEvent.Info(
            Module, "overrides_restored",
            $"{Plural.Of(found.Count, "override")} of an earlier process {(found.Count == 1 ? "holds" : "hold")} again"
                + (gone > 0 ? $"; {gone} of backends that the file no longer has {(gone == 1 ? "ends" : "end")}" : ""),
            LogField.Of("restored", found.Count),
            LogField.Of("ended", gone)));
        return read.PutAside.Match(
            why => lines.Add(LogEvent.Failure(Module, "overrides_put_aside", PutAside(why))), () => lines);
    }

    public static LogEvent NotKept(string why) => LogEvent.Failure(Module, "overrides_not_kept", Unkept(why));

    public static LogEvent KeptAgain => LogEvent.Info(
        Module, "overrides_kept", "drains and weights by command are on disk now");

    /// <summary>Why what operators have ordered may be lost, or is.</summary>
    public static Arr<Problem> Problems(OverrideKeeping keeping) => keeping.PutAside.Match(
            why => Prelude.Array(PutAside(why)), () => Arr<Problem>.Empty)
        .Append(keeping.WhyNot.Match(why => Prelude.Array(Unkept(why)), () => Arr<Problem>.Empty));

    /// <summary>What an operator does about a file that could not be read.</summary>
    public static Problem PutAside(string why) => new(
        "overrides_put_aside",
        $"overrides.json could not be read: {why}; it was put aside as overrides.json.bad",
        "the disk is damaged, or something other than bal wrote to it: drains and weights by command are lost",
        "drain again what must be drained, then run 'bal enable --all' where nothing is missing any more");

    /// <summary>What an operator does where overrides cannot be written.</summary>
    public static Problem Unkept(string why) => new(
        "overrides_not_kept",
        $"drains and weights by command hold, but a restart would lose the last of them: {why}",
        "the disk is full or read-only, or BAL_HOME is not writable",
        "make room in BAL_HOME ('df', 'ls -ld'): bal tries again each second");

    private static string In(BackendState backend) => backend.IsDrained
        ? "drained" + (Overriding.WeightOf(backend.Override).IsSome ? $" with weight {Number(backend.Weight)}" : "")
        : backend.Override.IsSome ? $"used with weight {Number(backend.Weight)}"
        : "used as configured";

    private static string Number(int weight) => weight.ToString(CultureInfo.InvariantCulture);

    private static string Named(Service service, BackendState backend) =>
        service.Name == Service.DefaultName ? $"{backend.Endpoint}" : $"{service.Name}/{backend.Endpoint}";
}
