using System.Net;
using System.Text.Json;
using Bal.Domain.Backend;
using Bal.Domain.Primitives;

namespace Bal.Domain.Recording;

/// <summary>The forms of what cannot be taken apart any further.</summary>
public static class Scalar
{
    /// <summary>A text.</summary>
    public static readonly Codec<string> Text = new(
        (walk, text) => walk.Json.WriteStringValue(text),
        (walk, json) => TextOf(json) ?? walk.Expected<string>("a string", json));

    /// <summary>Yes or no.</summary>
    public static readonly Codec<bool> Flag = new(
        (walk, flag) => walk.Json.WriteBooleanValue(flag),
        (walk, json) => json.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? json.GetBoolean()
            : walk.Expected<bool>("true or false", json));

    /// <summary>Any whole number of 64 bits.</summary>
    public static readonly Codec<long> Number = Whole(long.MinValue, long.MaxValue, "an integer");

    /// <summary>A whole number from zero.</summary>
    public static readonly Codec<long> Total = Whole(0, long.MaxValue, "an integer from 0");

    /// <summary>A whole number of 32 bits from zero.</summary>
    public static readonly Codec<int> Count = Integer(0, int.MaxValue);

    /// <summary>A whole number of 32 bits from one.</summary>
    public static readonly Codec<int> Positive = Integer(1, int.MaxValue);

    /// <summary>A whole number of 64 bits without a sign.</summary>
    public static readonly Codec<ulong> Unsigned = new(
        (walk, number) => walk.Json.WriteNumberValue(number),
        (walk, json) => json.ValueKind == JsonValueKind.Number && json.TryGetUInt64(out var number)
            ? number
            : walk.Expected<ulong>("an integer from 0", json));

    /// <summary>A port of TCP; 0 for a Unix socket.</summary>
    public static readonly Codec<int> Port = Integer(0, 65_535);

    /// <summary>Milliseconds of the monotonic clock.</summary>
    public static readonly Codec<Instant> At = Total.Wrap<Instant>(at => at.Milliseconds, ms => new Instant(ms));

    /// <summary>Milliseconds.</summary>
    public static readonly Codec<Duration> Span =
        Total.Wrap<Duration>(span => span.Milliseconds, ms => new Duration(ms));

    /// <summary>The identity of a backend.</summary>
    public static readonly Codec<BackendId> Id =
        Integer(int.MinValue, int.MaxValue).Wrap<BackendId>(id => id.Value, value => new BackendId(value));

    /// <summary>The identity of a service.</summary>
    public static readonly Codec<ServiceId> Service =
        Positive.Wrap<ServiceId>(id => id.Value, value => new ServiceId(value));

    /// <summary>An IP address.</summary>
    public static readonly Codec<IPAddress> Address = new(
        (walk, address) => walk.Json.WriteStringValue(address.ToString()),
        (walk, json) => IPAddress.TryParse(TextOf(json), out var address)
            ? address
            : walk.Expected<IPAddress>("an IP address", json));

    /// <summary>A whole number of 32 bits within bounds.</summary>
    public static Codec<int> Integer(int least, int most) =>
        Whole(least, most, $"an integer from {least} to {most}").Wrap<int>(number => number, number => (int)number);

    // None where the value is not a string, or half of a surrogate pair, which the parser looks for only now.
    internal static string? TextOf(JsonElement json)
    {
        try
        {
            return json.ValueKind == JsonValueKind.String ? json.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static Codec<long> Whole(long least, long most, string expected) => new(
        (walk, number) => walk.Json.WriteNumberValue(number),
        (walk, json) => json.ValueKind == JsonValueKind.Number && json.TryGetInt64(out var number)
            && least <= number && number <= most
                ? number
                : walk.Expected<long>(expected, json));
}
