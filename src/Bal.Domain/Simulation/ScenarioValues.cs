using System.Globalization;
using System.Net;
using Bal.Domain.Config;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Simulation;

/// <summary>Reads the kinds of values that a scenario has beside those of a configuration.</summary>
internal static class ScenarioValues
{
    private const string SpanExample = "a time such as 250ms, 10s, 5m or 1h";

    /// <summary>A span of time with its unit.</summary>
    public static Checked<Duration> Span(Field field, Duration least, Duration most) =>
        Scalars.Text(field, SpanExample).Then(scalar => Span(field, scalar, scalar.Text, least, most));

    /// <summary>A span, or two joined by <c>..</c>.</summary>
    public static Checked<Spread> SpreadOf(Field field, Duration most)
    {
        const string allowed = SpanExample + ", or two joined by '..', such as 1ms..5ms";
        return Scalars.Text(field, allowed).Then(scalar => scalar.Text.Split("..") switch
        {
            [var one] => Span(field, scalar, one, Duration.Zero, most).Map(s => new Spread(s, s)),
            [var least, var longest] => Span(field, scalar, least, Duration.Zero, most).And(
                Span(field, scalar, longest, Duration.Zero, most), (a, b) => new Spread(a, b)).Then(spread =>
                    spread.Least.Milliseconds <= spread.Most.Milliseconds
                        ? Checked.Good(spread)
                        : Bad<Spread>(field, "invalid_span", allowed, "write the shorter time first")),
            _ => Bad<Spread>(field, "invalid_span", allowed, "write one time, or two joined by '..'"),
        });
    }

    /// <summary>Clients per second, with at most three decimals.</summary>
    public static Checked<ClientRate> Rate(Field field)
    {
        const string allowed = "a number of clients per second from 0 to 100000, such as 20 or 0.5";
        return Scalars.Text(field, allowed).Then(scalar =>
            decimal.TryParse(scalar.Text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var rate)
            && rate <= 100_000 && rate * 1_000 == decimal.Truncate(rate * 1_000)
                ? Checked.Good(new ClientRate((long)(rate * 1_000)))
                : Bad<ClientRate>(field, "invalid_rate", allowed,
                    "write clients per second in decimal digits, with at most three after the point"));
    }

    /// <summary>A place in the list of backends, or an address with its port.</summary>
    public static Checked<BackendRef> Backend(Field field, Fields beside, ScenarioSurroundings around) =>
        ServiceBeside(beside, around).Then(service => Backend(field, service, around));

    private static Checked<BackendRef> Backend(Field field, Option<string> service, ScenarioSurroundings around)
    {
        var fewest = around.FewestBackends(service);
        const string allowed = "the place of a backend in the configuration, from 1, or HOST:PORT as it stands there";
        return Scalars.Text(field, allowed).Then(scalar =>
        {
            if (scalar.Text.All(char.IsAsciiDigit))
                return Scalars.Integer(field, scalar, new IntRange(1, fewest, ""),
                    $"{allowed}; there {(fewest == 1 ? "is 1" : $"are {fewest}")}")
                    .Map(number => (BackendRef)new BackendRef.Position(number) { Service = service });
            return EndpointOf(scalar.Text).Match(
                endpoint => around.Knows(endpoint)
                    ? Checked.Good<BackendRef>(new BackendRef.Address(endpoint) { Service = service })
                    : Bad<BackendRef>(field, "unknown_backend", allowed, Nearest.To(
                        endpoint.ToString(), around.Endpoints.Map(e => e.ToString())).Match(
                            near => $"did you mean '{near}'?",
                            () => $"the backends are {string.Join(", ", around.Endpoints)}")),
                () => Bad<BackendRef>(field, "invalid_backend", allowed, "write 1 for the first backend"));
        });
    }

    /// <summary>A backend as above, or all of them.</summary>
    public static Checked<BackendRef> Backends(Field field, Fields beside, ScenarioSurroundings around) =>
        ServiceBeside(beside, around).Then(service => field.Value is RawNode.Scalar { Text: "all" }
            ? Checked.Good<BackendRef>(new BackendRef.Every { Service = service })
            : Backend(field, service, around));

    /// <summary>The service that a mapping names; none where it has no such key.</summary>
    public static Checked<Option<string>> ServiceBeside(Fields fields, ScenarioSurroundings around) =>
        fields.Find(ScenarioKeys.Service).Match(
            field => Scalars.Text(field, "the name of a service")
                .Then(scalar => around.ServiceNames.Contains(scalar.Text)
                ? Checked.Good(Option<string>.Some(scalar.Text))
                : Bad<Option<string>>(field, "unknown_service", "the name of a service of the configuration",
                    Nearest.To(
                    scalar.Text, around.ServiceNames).Match(
                        near => $"did you mean '{near}'?",
                        () => $"the services are {string.Join(", ", around.ServiceNames.Take(10))}"))),
            () => Checked.Good(Option<string>.None));

    /// <summary>A list of literal addresses, which may be empty.</summary>
    public static Checked<Arr<IPAddress>> Addresses(Field field) => field.Value is RawNode.Sequence list
        ? Checked.Each(list.Items, (item, i) => AddressOf(item).Match(
            Checked.Good,
            () => Bad<IPAddress>(new Field($"{field.Path}[{i}]", item.At, item), "invalid_address",
                "an IPv4 or IPv6 address", "write an address, such as 10.0.0.7")))
        : Checked.Bad<Arr<IPAddress>>(Scalars.WrongKind(
            field, "a list of addresses, empty where the name does not resolve", "write [10.0.0.7], or []"));

    /// <summary>An error about the value of a field.</summary>
    public static Checked<T> Bad<T>(Field field, string code, string allowed, string hint) =>
        Checked.Bad<T>(Faults.Unexpected(code, field, allowed, hint));

    private static Checked<Duration> Span(
        Field field, RawNode.Scalar scalar, string text, Duration least, Duration most)
    {
        var read = Milliseconds(text.Replace(" ", "", StringComparison.Ordinal));
        if (read.IsNone)
            return Bad<Duration>(field, "invalid_span", SpanExample, text.Length is > 0 and < 8
                && text.All(char.IsAsciiDigit)
                ? $"write the unit: {text}s, or {text}ms"
                : "write a number and one of the units ms, s, m, h, such as 1m30s");
        var span = new Duration(read.IfNone(0));
        var range = $"from {least.ToText()} to {most.ToText()}";
        return span.Milliseconds >= least.Milliseconds && span.Milliseconds <= most.Milliseconds
            ? Checked.Good(span)
            : Bad<Duration>(field, "out_of_range", $"{SpanExample}, {range}", $"choose a time {range}");
    }

    // One or more parts, each a number and its unit, the larger unit first: 1h30m, 2.5s. Zero needs no unit.
    private static Option<long> Milliseconds(string text)
    {
        if (text == "0")
            return 0;
        var (total, rest, above) = (0m, text, decimal.MaxValue);
        while (rest.Length > 0)
        {
            var digits = new string([.. rest.TakeWhile(c => char.IsAsciiDigit(c) || c == '.')]);
            var unit = new string([.. rest[digits.Length..].TakeWhile(char.IsAsciiLetter)]);
            var scale = unit switch { "ms" => 1m, "s" => 1_000m, "m" or "min" => 60_000m, "h" => 3_600_000m, _ => 0m };
            if (scale == 0 || scale >= above || digits.Length > 10
                || !decimal.TryParse(
                    digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value))
                return Option<long>.None;
            total += value * scale;
            (rest, above) = (rest[(digits.Length + unit.Length)..], scale);
        }

        return text.Length == 0 ? Option<long>.None : (long)total;
    }

    private static Option<IPAddress> AddressOf(RawNode item) => item is RawNode.Scalar scalar
        ? HostSyntax.Read(scalar.Text).Match(
            Right: host => host.Match(Option<IPAddress>.Some, _ => Option<IPAddress>.None, _ => Option<IPAddress>.None),
            Left: _ => Option<IPAddress>.None)
        : Option<IPAddress>.None;

    private static Option<Endpoint> EndpointOf(string text)
    {
        if (text.StartsWith(Host.Unix.Prefix, StringComparison.Ordinal))
            return Endpoint.Unix(text[Host.Unix.Prefix.Length..]);
        var colon = text.LastIndexOf(':');
        return colon > 0 && int.TryParse(
            text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            ? HostSyntax.Read(text[..colon].TrimStart('[').TrimEnd(']')).Match(
                Right: host => Option<Endpoint>.Some(new Endpoint(host, port)),
                Left: _ => Option<Endpoint>.None)
            : Option<Endpoint>.None;
    }
}
