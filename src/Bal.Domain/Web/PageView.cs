using Bal.Domain.Control;
using Bal.Domain.Explain;
using Bal.Domain.History;
using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Domain.Web;

/// <summary>
/// What the page shows of one moment: whatever is wrong first, and never more than a browser draws easily, however many
/// backends there are.
/// </summary>
/// <param name="Report">Everything, of which <see cref="StatusReport.Listed"/> is shown.</param>
/// <param name="MatchingServices">Services that match what was looked for, shown or not.</param>
/// <param name="MatchingBackends">Backends that match, shown or not.</param>
/// <param name="Reasons">Why backends that get no clients are as they are, at most <see cref="MostReasons"/>.</param>
/// <param name="Events">What happened last, the newest first, at most <see cref="MostEvents"/>.</param>
public sealed record PageView(
    StatusReport Report, int MatchingServices, int MatchingBackends, Arr<PageReason> Reasons, Arr<PageEvent> Events)
{
    /// <summary>Services that are shown.</summary>
    public const int MostServices = 50;

    /// <summary>Backends that are shown, shared by the services that are.</summary>
    public const int MostBackends = 200;

    /// <summary>Of these, the ones with nothing wrong where nothing is looked for.</summary>
    public const int MostWell = 60;

    /// <summary>Backends of a service that are shown, however many services there are.</summary>
    public const int FewestOfService = 4;

    /// <summary>Backends whose state is explained.</summary>
    public const int MostReasons = 8;

    /// <summary>Events that are shown.</summary>
    public const int MostEvents = 40;

    /// <summary>Characters of what is looked for.</summary>
    public const int LongestSearch = 64;

    private const int Leaving = 2;

    /// <summary>The view of a moment.</summary>
    /// <param name="report">The report of that moment.</param>
    /// <param name="state">The state of that moment.</param>
    /// <param name="clock">The clocks at that moment.</param>
    /// <param name="search">
    /// A part of <c>SERVICE/BACKEND</c>, or a state: only those are shown; empty for all.
    /// </param>
    public static PageView Of(StatusReport report, ControlState state, ClockReading clock, string search)
    {
        var found = new Dictionary<string, List<BackendReport>>();
        var matching = 0;
        foreach (var backend in report.Backends)
        {
            if (!Matches(backend, search))
                continue;
            matching++;
            if (!found.TryGetValue(backend.Service, out var its))
                found[backend.Service] = its = [];
            its.Add(backend);
        }

        // A service without backends, whose names have not resolved yet, is shown as well.
        var services = report.Services
            .Filter(service => found.ContainsKey(service.Name) || Contains(service.Name, search))
            .OrderBy(service => -(int)service.Level)
            .ToArray();
        var shown = services.Length > MostServices ? services[..MostServices] : services;
        var each = Share(MostBackends, shown.Length);
        var well = search.Length > 0 ? each : Share(MostWell, shown.Length);
        var backends = new List<BackendReport>();
        foreach (var service in shown)
        {
            // Two may have one name, of which one is being removed.
            if (!found.Remove(service.Name, out var its))
                continue;
            var bad = its.Count(backend => BadnessOf(backend.State) <= Leaving);
            backends.AddRange(its.OrderBy(backend => BadnessOf(backend.State))
                .Take(Math.Min(each, bad + well)));
        }

        return new(
            report with { Listed = new Listing(new(shown), new(backends)) },
            services.Length,
            matching,
            ReasonsOf(report, state, clock),
            EventsOf(state, clock));
    }

    private static int Share(int all, int services) => Math.Max(FewestOfService, all / Math.Max(1, services));

    private static bool Matches(BackendReport backend, string search) =>
        Contains($"{backend.Service}/{backend.Address}", search)
        || backend.State.Equals(search, StringComparison.OrdinalIgnoreCase);

    private static bool Contains(string text, string search) =>
        text.Contains(search, StringComparison.OrdinalIgnoreCase);

    private static int BadnessOf(string state) => state switch
    {
        BackendReport.Down => 0,
        BackendReport.Cooling => 1,
        BackendReport.Draining => Leaving,
        _ => 3,
    };

    // Those of a critical service first.
    private static Arr<PageReason> ReasonsOf(StatusReport report, ControlState state, ClockReading clock)
    {
        var levels = new Dictionary<string, ServiceReport>();
        foreach (var service in report.Services)
            levels[service.Name] = service;
        return new(state.InOrder
            .SelectMany(service => service.InOrder.AsEnumerable().Select(backend => new Happened(service, backend)))
            .Where(one => one.Badness < Leaving)
            .OrderBy(one => levels.TryGetValue(one.Service.Config.Name, out var service)
                ? one.Badness - Leaving * (int)service.Level : one.Badness)
            .Take(MostReasons)
            .Select(one => one.ToReason(report, state, clock))
            .ToArray());
    }

    // That a reload has kept a backend, and that a check has succeeded again, is no news.
    private static Arr<PageEvent> EventsOf(ControlState state, ClockReading clock)
    {
        return new(state.InOrder.SelectMany(Happenings)
            .OrderByDescending(happened => happened.Last)
            .Take(MostEvents)
            .Select(happened => happened.ToEvent(clock))
            .ToArray());
    }

    private static IEnumerable<Happened> Happenings(ServiceState service)
    {
        foreach (var entry in service.History.Recent)
            yield return new(service, null) { Protection = entry };
        foreach (var backend in service.InOrder)
        {
            foreach (var entry in backend.History.Recent)
            {
                if (entry.What is not (BackendHappening.Kept or BackendHappening.Passed))
                    yield return new(service, backend) { Entry = entry };
            }
        }
    }

    private sealed class Happened(ServiceState service, BackendState? backend)
    {
        internal ServiceState Service => service;

        internal History.BackendEntry? Entry { get; init; }

        internal ProtectionEntry? Protection { get; init; }

        internal int Badness => BadnessOf(StatusReports.StateOf(backend!));

        internal long Last => (Entry?.Last ?? Protection!.Last).Milliseconds;

        internal PageEvent ToEvent(ClockReading clock) => Entry is { } entry
            ? new(clock.ToWall(entry.First), clock.ToWall(entry.Last), entry.Count,
                $"{service.Config.Name}/{backend!.Endpoint}", HappeningText.Of(entry.What),
                HistoryText.What(entry.What))
            : new(clock.ToWall(Protection!.First), clock.ToWall(Protection.Last), Protection.Count,
                service.Config.Name, $"protection_{HappeningText.Of(Protection.What)}",
                $"protection mode {HistoryText.What(Protection.What)}");

        internal PageReason ToReason(StatusReport report, ControlState state, ClockReading clock)
        {
            var (name, address) = (service.Config.Name, backend!.Endpoint.ToString());
            var connections = 0L;
            foreach (var its in report.Backends)
            {
                if (its.Service == name && its.Address == address)
                    connections = its.ActiveConnections;
            }

            return new(
                name, address, StatusReports.StateOf(backend), StatusReports.SinceOf(backend).Map(clock.ToWall),
                BackendText.Sentence(clock, ExplainBackend.Of(backend, connections, clock.Now, state)));
        }
    }
}

/// <summary>Why a backend is as it is.</summary>
/// <param name="Service">Its service.</param>
/// <param name="Address">Its address.</param>
/// <param name="State">How it is.</param>
/// <param name="Since">Since when; none where that is not remembered.</param>
/// <param name="Why">One sentence, as <c>bal explain</c> has it.</param>
public sealed record PageReason(
    string Service, string Address, string State, Option<DateTimeOffset> Since, string Why);

/// <summary>Something that happened, once or several times.</summary>
/// <param name="First">When for the first time.</param>
/// <param name="Last">When for the last time.</param>
/// <param name="Count">How often.</param>
/// <param name="Subject">To what: a service, or one of its backends.</param>
/// <param name="What">A stable word.</param>
/// <param name="Text">The same for a person.</param>
public sealed record PageEvent(
    DateTimeOffset First, DateTimeOffset Last, long Count, string Subject, string What, string Text);
