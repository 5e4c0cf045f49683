using Bal.Domain.Backend;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>Rules between the keys of a health check.</summary>
internal static class CheckRules
{
    private static readonly string[] OfHttp = ["path", "method", "host", "status"];

    /// <summary>What is wrong with the checks of a service.</summary>
    public static IEnumerable<Finding> Findings(ReadService service) => service.Edits.Sound(Settings.HealthCheck)
        ? Own(service.Given, service.Config.HealthCheck)
            .Concat(service.Backends.SelectMany(backend => backend.Config.HealthCheck.AsEnumerable()
                .SelectMany(check => Own(backend.Given, check))))
            .Concat(service.Backends.SelectMany(backend => OtherPort(service, backend)))
        : [];

    // A Unix socket has no host that could have another port.
    private static IEnumerable<Finding> OtherPort(ReadService service, ReadBackend backend) =>
        backend.Config.Endpoint.IsUnix && service.Config.CheckOf(backend.Config).Port.IsSome
            ? [Faults.Error("check_port_of_unix", backend.Path, backend.At,
                $"{backend.Path}: {Settings.HealthCheck}.{Settings.Port} is for backends with a host, and "
                    + $"{backend.Config} has none",
                $"give this backend a '{Settings.HealthCheck}' of its own without '{Settings.Port}'")]
            : [];

    private static IEnumerable<Finding> Own(Fields holder, HealthCheck check) =>
        from field in holder.Find(Settings.HealthCheck).AsEnumerable()
        from mapping in field.Value is RawNode.Mapping given ? new[] { given } : []
        from finding in Of(field, mapping, check)
        select finding;

    private static IEnumerable<Finding> Of(Field field, RawNode.Mapping given, HealthCheck check)
    {
        var keys = given.Entries.Map(entry => Raw.ToText(entry.Key)).ToHashSet();
        if (check.Type == CheckType.Exchange && check.Exchange.IsEmpty && !keys.Contains(Settings.Exchange))
            yield return Faults.Error("missing_key", $"{field.Path}.{Settings.Exchange}", field.KeyAt,
                $"{field.Path}.{Settings.Exchange} is missing: type: exchange needs its steps",
                "add 'exchange:' and below it '- {send: \"PING\\r\\n\", expect: \"+PONG\"}'");
        foreach (var entry in given.Entries)
        {
            var (key, type) = (Raw.ToText(entry.Key), check.Type);
            var belongs = key == Settings.Exchange ? CheckType.Exchange
                : OfHttp.Contains(key) ? CheckType.Http : type;
            if (belongs != type)
                yield return Faults.Error("key_without_effect", $"{field.Path}.{key}", entry.Key.At,
                    $"{field.Path}.{key} belongs to type: {Words.Of(belongs)}, found type: {Words.Of(type)}",
                    $"write 'type: {Words.Of(belongs)}', or remove the line");
        }

        // It would be a check that says nothing of the sort.
        if (check.Secrets.Exists(secret => secret.Bytes.IsNone && secret.File.IsNone))
            yield return Faults.Error("hidden_text", field.Path, field.KeyAt,
                $"{field.Path}: what is sent is given as its length, such as \"(23 bytes)\", as bal prints it",
                "write the text itself; a backslash sequence such as \\x28 stands for a real '('");
    }
}
