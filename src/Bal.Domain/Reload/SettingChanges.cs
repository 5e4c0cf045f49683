using Bal.Domain.Config;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Reload;

/// <summary>A key of the file whose value is another one now, given or auto-tuned.</summary>
/// <param name="Key">The key.</param>
/// <param name="From">Its value before; empty where the key was not there.</param>
/// <param name="To">Its value now; empty where the key has gone.</param>
public sealed record SettingChange(string Key, string From, string To)
{
    /// <summary>Whether it takes effect only when bal is started again.</summary>
    public bool AtRestart => Key == ConfigKeys.Threads;

    /// <summary>The change as an operator reads it.</summary>
    public string ToText() =>
        $"{Key} {Shown(From)} -> {Shown(To)}{(AtRestart ? " (at the next start)" : "")}";

    private static string Shown(string value) => value.Length == 0 ? "unset" : value;
}

/// <summary>
/// Compares what configurations say beside their backends, as <see cref="ConfigPrinter"/> prints it: no key can be known
/// there and forgotten here.
/// </summary>
public static class SettingChanges
{
    /// <summary>Every key whose value differs, in the order of the file.</summary>
    public static Arr<SettingChange> Between(BalConfig before, BalConfig after)
    {
        var (had, has) = (Settings(ConfigPrinter.ToRaw(before)), Settings(ConfigPrinter.ToRaw(after)));
        return new(has.Select(s => s.Key).Union(had.Select(s => s.Key))
            .Select(key => new SettingChange(key, ValueOf(key, had), ValueOf(key, has)))
            .Where(change => change.From != change.To));
    }

    /// <summary>Every key of <c>runtime</c> whose value differs between two services.</summary>
    public static Arr<SettingChange> OfRuntime(Service before, Service after) =>
        Between(Alone(before), Alone(before with { Tuning = after.Tuning }));

    private static BalConfig Alone(Service service) =>
        new(Mode.Simple, LogLevel.Info, Option<int>.None, Prelude.Array(service));

    private static string ValueOf(string key, Arr<Setting> settings) =>
        settings.Find(s => s.Key == key).Match(s => s.Value, () => "");

    // The mode only says how the file is written, and backends, a list, are told one by one elsewhere.
    private static Arr<Setting> Settings(RawNode node) => node is not RawNode.Mapping mapping
        ? Arr<Setting>.Empty
        : mapping.Entries.Bind(entry => (entry.Key, entry.Value) switch
        {
            (RawNode.Scalar { Text: ConfigKeys.Mode }, _) => Arr<Setting>.Empty,
            (RawNode.Scalar key, RawNode.Scalar value) => Prelude.Array(new Setting(key.Text, value.Text)),
            (_, var inner) => Settings(inner),
        });

    private sealed record Setting(string Key, string Value);
}
