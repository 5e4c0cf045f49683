using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Control;

/// <summary>What the change of one backend means for the backups of its service.</summary>
public enum BackupChange
{
    /// <summary>They are used, or not used, as before.</summary>
    None,

    /// <summary>The last primary has stopped serving: clients go to the backups from now on.</summary>
    Begins,

    /// <summary>A primary serves again: no client goes to a backup any more.</summary>
    Ends,
}

/// <summary>
/// When the backends with <c>backup: true</c> are used: only while every backend without it, a primary, is down,
/// drained or of weight 0. A primary that cools down is still a primary: until a dead one is down, its clients go to
/// the other primaries or are reset, so that a few failed connects never have clients served in two places.
/// </summary>
public static class BackupRule
{
    /// <summary>Whether a backend may be sent clients before any last resort.</summary>
    public static bool Serves(BackendState backend) =>
        backend.Health.Up && backend.Weight > 0 && !backend.IsDrained;

    /// <summary>Whether a backend is a primary that keeps the backups of its service from being used.</summary>
    public static bool HoldsBack(ServiceState service, BackendState backend) =>
        IsPrimary(service, backend) && Serves(backend);

    /// <summary>Whether the backups of a service are used.</summary>
    public static bool Allows(ServiceState service)
    {
        foreach (var backend in service.Backends.Values)
        {
            if (HoldsBack(service, backend))
                return false;
        }

        return true;
    }

    /// <summary>The backups that take clients because no primary is left; none where the file has no primary.</summary>
    public static Arr<BackendState> InUse(ServiceState service) =>
        Allows(service) && service.Backends.Values.Any(backend => IsPrimary(service, backend))
            ? new(service.Backends.Values.Where(b => IsBackup(service, b) && Serves(b)))
            : Arr<BackendState>.Empty;

    /// <summary>Since when; none where they are not, or where it was not health alone that led to it.</summary>
    public static Option<Instant> InUseSince(ServiceState service)
    {
        if (InUse(service).IsEmpty)
            return Option<Instant>.None;
        var primaries = service.Backends.Values.Where(backend => IsPrimary(service, backend)).ToArray();
        return Array.TrueForAll(primaries, primary => !primary.Health.Up)
            ? primaries.Select(p => p.History.LastOutage.Map(outage => outage.Since)).Aggregate((last, next) =>
                from one in last
                from other in next
                select Instant.Max(one, other))
            : Option<Instant>.None;
    }

    /// <summary>What the change of one backend means for the backups; a service without any has no change.</summary>
    /// <param name="service">Its service, with the backend as it was.</param>
    /// <param name="primaries">How many of its primaries held the backups back before (<see cref="HoldsBack"/>): known
    /// without a look at all backends, which each of many that fail together would cost.</param>
    /// <param name="before">The backend as it was.</param>
    /// <param name="after">The backend as it is.</param>
    public static BackupChange After(ServiceState service, int primaries, BackendState before, BackendState after) =>
        (HoldsBack(service, before), HoldsBack(service, after), primaries) switch
        {
            (true, false, 1) when HasBackups(service) => BackupChange.Begins,
            (false, true, 0) when HasBackups(service) => BackupChange.Ends,
            _ => BackupChange.None,
        };

    /// <summary>Whether a backend is a backup that the file still has.</summary>
    public static bool IsBackup(ServiceState service, BackendState backend) =>
        backend.Config.Backup && IsThere(service, backend);

    private static bool HasBackups(ServiceState service) =>
        service.Backends.Values.Any(backend => IsBackup(service, backend));

    private static bool IsPrimary(ServiceState service, BackendState backend) =>
        !backend.Config.Backup && IsThere(service, backend);

    // One that a reload removed counts for nothing; in a removed service, all of them still serve the last clients.
    private static bool IsThere(ServiceState service, BackendState backend) => !backend.Draining || service.Removed;
}
