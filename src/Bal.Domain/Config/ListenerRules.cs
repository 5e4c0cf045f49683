using System.Net.Sockets;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>
/// No two listeners may accept the same connection. All are entered into one table by port and address, so that many
/// services are compared as fast as a few.
/// </summary>
internal static class ListenerRules
{
    /// <summary>An address that takes what another one takes already, within a service or between two.</summary>
    public static IEnumerable<Finding> Overlaps(Arr<ReadService> services)
    {
        var ports = new Dictionary<int, PortUse>();
        foreach (var service in services.Where(service => service.ListenerIsSound))
        {
            var listener = service.Config.Listener;
            if (!ports.TryGetValue(listener.Port, out var use))
                ports.Add(listener.Port, use = new PortUse());
            foreach (var bound in Addresses(service))
                if (use.Enter(bound, listener.IPv6Only) is { } earlier)
                    yield return Overlap(bound, earlier);
        }
    }

    private static Finding Overlap(Bound bound, Bound earlier)
    {
        var same = bound.Service == earlier.Service;
        return Faults.Error("listeners_overlap", bound.Path, bound.At,
            bound.Host.Equals(earlier.Host)
                ? $"{bound.Path}: {bound.Shown} is already {(same ? "listed" : $"the address of {earlier.Name}")} "
                    + $"(line {earlier.At.Line})"
                : $"{bound.Path}: {bound.Shown} overlaps with {earlier.Shown}"
                    + $"{(same ? "" : $" of {earlier.Name}")} (line {earlier.At.Line})",
            same ? "remove one of the two" : "give one of the two services another port or another address");
    }

    private static IEnumerable<Bound> Addresses(ReadService service)
    {
        var given = service.Given.Find(Settings.BindAddress);
        var items = given.Map(field => field.Value is RawNode.Sequence list ? [.. field.Items(list)] : new[] { field })
            .IfNone([]);
        var at = service.Given.Find(Settings.Port).Map(port => port.Value.At).IfNone(service.Given.At);
        return service.Config.Listener.Endpoints.Select((endpoint, i) => new Bound(
            endpoint, service.Name, service.Given.Path,
            i < items.Length ? items[i].Path : service.Given.PathOf(Settings.Port),
            i < items.Length ? items[i].Value.At : at));
    }

    private sealed record Bound(Endpoint Endpoint, string Service, string Name, string Path, SourcePosition At)
    {
        public Host Host => Endpoint.Host;

        public string Shown => Endpoint.ToString();
    }

    /// <summary>Who listens on one port.</summary>
    private sealed class PortUse
    {
        private readonly Dictionary<Host, Bound> _exact = [];
        private readonly Family _v4 = new();
        private readonly Family _v6 = new();

        /// <summary>Enters an address; returns one that overlaps with it, if there is any.</summary>
        public Bound? Enter(Bound bound, bool ipv6Only)
        {
            if (!_exact.TryAdd(bound.Host, bound))
                return _exact[bound.Host];
            if (bound.Host is not Host.Address { Value: var address })
                return null;
            var any = OwnListeners.IsAny(address);
            return address.AddressFamily == AddressFamily.InterNetwork ? _v4.Enter(bound, any)
                : any && !ipv6Only ? _v6.Enter(bound, any) ?? _v4.Enter(bound, any)
                : _v6.Enter(bound, any);
        }
    }

    private sealed class Family
    {
        private Bound? _first;
        private Bound? _any;

        public Bound? Enter(Bound bound, bool any)
        {
            var other = any ? _first : _any;
            _first ??= bound;
            _any ??= any ? bound : null;
            return other;
        }
    }
}
