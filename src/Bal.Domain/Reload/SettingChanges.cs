using Bal.Domain.Admission;
using Bal.Domain.Config;
using LanguageExt;

namespace Bal.Domain.Reload;

/// <summary>A key of the file whose value is another one now, given or auto-tuned.</summary>
/// <param name="Key">
/// The key; of several services <c>services.NAME.KEY</c>, of a backend <c>backends[ADDRESS].KEY</c>.
/// </param>
/// <param name="From">Its value before; empty where the key was not there.</param>
/// <param name="To">Its value now; empty where the key has gone.</param>
public sealed record SettingChange(string Key, string From, string To)
{
    /// <summary>Whether it takes effect only when bal is started again.</summary>
    public bool AtRestart { get; init; }

    /// <summary>The change as an operator reads it.</summary>
    public string ToText() =>
        $"{Key} {Shown(From)} -> {Shown(To)}{(AtRestart ? " (at the next start)" : "")}";

    private static string Shown(string value) => value.Length == 0 ? "unset" : value;
}

/// <summary>Compares configurations row by row of <see cref="Settings"/>: no key can be forgotten here.</summary>
public static class SettingChanges
{
    /// <summary>Every key whose value differs; which services and backends there are is told elsewhere.</summary>
    public static Arr<SettingChange> Between(BalConfig before, BalConfig after)
    {
        var prefixed = !before.IsSingle || !after.IsSingle;
        var had = before.Services.DistinctBy(service => service.Name).ToDictionary(service => service.Name);
        var names = ServiceNames.Before(before.Services, after.Services);
        return OfProcess(before, after).Append(new Arr<SettingChange>(
            from service in after.Services
            from old in names.Find(service.Name).AsEnumerable()
            from change in OfService(had[old], service)
            select prefixed ? change with { Key = $"{Settings.Services}.{service.Name}.{change.Key}" } : change));
    }

    /// <summary>Every key of the process whose value differs; <c>mode</c> only says how the file is written.</summary>
    public static Arr<SettingChange> OfProcess(BalConfig before, BalConfig after) =>
        new(Of(Settings.Process, before, after with { Mode = before.Mode }, ""));

    /// <summary>Every key of a service, its <c>runtime</c> and its lasting backends whose value differs.</summary>
    public static Arr<SettingChange> OfService(Service before, Service after)
    {
        var had = before.Backends.DistinctBy(backend => backend.Endpoint).ToDictionary(backend => backend.Endpoint);
        return new(
        [
            .. Of(Settings.OfService, before, after, ""),
            .. InFiles("allow", before.Access.Allow, after.Access.Allow),
            .. InFiles("deny", before.Access.Deny, after.Access.Deny),
            .. after.Backends.Where(backend => had.ContainsKey(backend.Endpoint)).SelectMany(backend =>
                Of(Settings.OfBackend, had[backend.Endpoint], backend, $"{Settings.Backends}[{backend.Endpoint}].")),
            .. Of(Settings.Runtime, before.Tuning, after.Tuning, ""),
        ]);
    }

    // What the file of a list has does not show in the key.
    private static IEnumerable<SettingChange> InFiles(string key, AccessList before, AccessList after) =>
        before with { InFiles = after.InFiles } == after && !before.InFiles.Equals(after.InFiles)
            ? [new($"{key} (its files)", before.ToText(), after.ToText())]
            : [];

    private static IEnumerable<SettingChange> Of<T>(SettingTable<T> table, T before, T after, string prefix)
        where T : class => before.Equals(after)
        ? []
        : from row in table.Rows
          let change = new SettingChange(prefix + row.Key, Raw.ToText(row.Print(before)), Raw.ToText(row.Print(after)))
          where change.From != change.To
          select change with { AtRestart = row.AtRestart };
}
