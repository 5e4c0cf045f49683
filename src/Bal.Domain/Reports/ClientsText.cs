using System.Globalization;
using Bal.Domain.Admission;
using Bal.Domain.Primitives;

namespace Bal.Domain.Reports;

/// <summary>The limits for each client of a service in words.</summary>
public static class ClientsText
{
    /// <summary>The limits, and how many clients are known.</summary>
    public static string Of(ClientLimits limits, KnownClients known) =>
        $"{Of(limits)}; {Plural.Of(known.Known, "client")} known"
        + (known.NewcomersShare ? ", newcomers share the limits of one client" : "");

    /// <summary>The limits.</summary>
    public static string Of(ClientLimits limits) => string.Join(" and ", limits.Connections
        .Map(most => $"at most {Plural.Of(most, "connection")}").AsEnumerable()
        .Concat(limits.Rate
            .Map(rate => string.Create(CultureInfo.InvariantCulture, $"{rate} a second")).AsEnumerable()))
        + " for each client";
}
