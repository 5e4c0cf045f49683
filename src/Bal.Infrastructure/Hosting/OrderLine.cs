using System.Globalization;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>
/// The requests of the control socket about backends: <c>drain BACKEND [reset MILLISECONDS] [force]</c>,
/// <c>enable BACKEND|--all</c>, <c>weight BACKEND N|default [force]</c>, and <c>override BACKEND</c>, which only looks.
/// </summary>
public static class OrderLine
{
    /// <summary>The longest time that a drain may take until it resets, in seconds.</summary>
    public const int MostSeconds = 86_400 * 7;

    /// <summary>The greatest weight.</summary>
    public const int MostWeight = 256;

    private const string All = "--all";
    private const string Default = "default";
    private const string Force = "force";
    private const string Reset = "reset";

    /// <summary>The line for a request.</summary>
    public static string Of(OrderRequest request) => string.Join(' ', Words(request));

    /// <summary>The request that a line is; none where it is none of these.</summary>
    internal static Option<OrderRequest> Read(string line)
    {
        var words = line.Split(' ');
        if (words.Length < 2 || words[1].Length is 0 or > Requests.MaxArgument || words[1].Any(char.IsControl))
            return Option<OrderRequest>.None;
        var word = words[1];
        var read = words switch
        {
            ["enable", All] => new OrderRequest(OrderKind.EnableAll, ""),
            ["enable", _] => new OrderRequest(OrderKind.Enable, word),
            ["override", _] => new OrderRequest(OrderKind.Look, word),
            ["drain", _, .. var more] => Drain(word, more),
            ["weight", _, var weight, .. var more] when more is [] or [Force] => Weight(word, weight, more.Length > 0),
            _ => null,
        };
        return Prelude.Optional(read);
    }

    private static OrderRequest? Drain(string word, string[] more)
    {
        var request = new OrderRequest(OrderKind.Drain, word) { Force = more is [.., Force] };
        return (request.Force ? more[..^1] : more) switch
        {
            [] => request,
            [Reset, var time] when long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var ms)
                && ms <= MostSeconds * 1_000L => request with { ResetAfter = new Duration(ms) },
            _ => null,
        };
    }

    private static OrderRequest? Weight(string word, string weight, bool force)
    {
        var request = new OrderRequest(OrderKind.Weight, word) { Force = force };
        return weight == Default ? request
            : int.TryParse(weight, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && number <= MostWeight ? request with { Weight = number }
            : null;
    }

    private static IEnumerable<string> Words(OrderRequest request)
    {
        yield return request.Kind switch
        {
            OrderKind.Drain => "drain",
            OrderKind.Enable or OrderKind.EnableAll => "enable",
            OrderKind.Weight => "weight",
            _ => "override",
        };
        yield return request.Kind == OrderKind.EnableAll ? All : request.Word;
        if (request.Kind == OrderKind.Weight)
            yield return request.Weight.Match(w => w.ToString(CultureInfo.InvariantCulture), () => Default);
        foreach (var after in request.ResetAfter)
        {
            yield return Reset;
            yield return after.Milliseconds.ToString(CultureInfo.InvariantCulture);
        }

        if (request.Force)
            yield return Force;
    }
}
