using System.Net;
using System.Text.Json;
using Bal.Domain.Backend;
using Bal.Domain.Primitives;

namespace Bal.Domain.Recording;

/// <summary>The forms of what cannot be taken apart any further.</summary>
internal static class Scalar
{
    public static readonly Codec<string> Text = new((json, text) => json.WriteStringValue(text), TextOf);

    public static readonly Codec<bool> Flag = new(
        (json, flag) => json.WriteBooleanValue(flag),
        json => json.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? Decoded<bool>.Of(json.GetBoolean())
            : new CodecFault("", "true or false belongs here"));

    /// <summary>Any whole number.</summary>
    public static readonly Codec<long> Number = new((json, number) => json.WriteNumberValue(number), NumberOf);

    /// <summary>A whole number from zero.</summary>
    public static readonly Codec<long> Total = Number.Where(number => number >= 0, "a number from 0 belongs here");

    /// <summary>A whole number of 32 bits from zero.</summary>
    public static readonly Codec<int> Count = Integer(0, int.MaxValue);

    /// <summary>A whole number of 32 bits from one.</summary>
    public static readonly Codec<int> Positive = Integer(1, int.MaxValue);

    public static readonly Codec<int> Port = Integer(1, 65_535);

    /// <summary>Milliseconds of the monotonic clock.</summary>
    public static readonly Codec<Instant> At = Total.Wrap<Instant>(at => at.Milliseconds, ms => new Instant(ms));

    /// <summary>Milliseconds.</summary>
    public static readonly Codec<Duration> Span =
        Total.Wrap<Duration>(span => span.Milliseconds, ms => new Duration(ms));

    public static readonly Codec<BackendId> Id =
        Integer(int.MinValue, int.MaxValue).Wrap<BackendId>(id => id.Value, value => new BackendId(value));

    public static readonly Codec<IPAddress> Address = new(
        (json, address) => json.WriteStringValue(address.ToString()),
        json => Text.Read(json).Bind(text => IPAddress.TryParse(text, out var address)
            ? Decoded<IPAddress>.Of(address)
            : new CodecFault("", "an IP address belongs here")));

    /// <summary>A whole number of 32 bits within bounds.</summary>
    public static Codec<int> Integer(int least, int most) => Number
        .Where(number => least <= number && number <= most, $"a number from {least} to {most} belongs here")
        .Wrap<int>(number => number, number => (int)number);

    private static Decoded<string> TextOf(JsonElement json)
    {
        try
        {
            return json.ValueKind == JsonValueKind.String
                ? json.GetString()!
                : new CodecFault("", "a text belongs here");
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, which the parser looks for only now.
            return new CodecFault("", "a text of whole Unicode characters belongs here");
        }
    }

    private static Decoded<long> NumberOf(JsonElement json) =>
        json.ValueKind == JsonValueKind.Number && json.TryGetInt64(out var number)
            ? number
            : new CodecFault("", "a whole number belongs here");
}
