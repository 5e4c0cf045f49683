using Bal.Domain.Config;
using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Infrastructure.DataPlane;

/// <summary>
/// Where the tables of the services come from that have limits for each client: made before a configuration is applied,
/// so that it can be refused, or handed over. Used by the supervisor's thread.
/// </summary>
internal sealed class ClientTables : IDisposable
{
    // By the names of the services that have yet to take them.
    private readonly Dictionary<string, ClientTable> ready = [];
    private int column = -1;

    /// <summary>Where this process counts: a column that no other one that is alive has.</summary>
    public int Column => Math.Max(0, column);

    /// <summary>The columns of the processes that this one has replaced; negative for one that has none.</summary>
    public Arr<int> Elders { get; private set; } = Arr<int>.Empty;

    /// <summary>
    /// Sets <see cref="Elders"/>. The first that there are decide about <see cref="Column"/>, before any table is
    /// taken.
    /// </summary>
    public void Follow(Arr<int> elders)
    {
        if (column < 0 && !elders.IsEmpty)
            column = Enumerable.Range(0, ClientTable.MaxColumns).First(free => !elders.Contains(free));
        Elders = elders;
    }

    /// <summary>What another process knows of the clients of a service; the descriptor is this object's.</summary>
    public void Inherit(string service, int table)
    {
        if (ClientTable.Of(table) is { } known)
            ready[service] = known;
    }

    /// <summary>Makes tables for the services of a configuration that want one and have none.</summary>
    public Either<Problem, Unit> Prepare(BalConfig config, Func<string, bool> has)
    {
        foreach (var service in config.Services)
        {
            if (!service.ClientLimits.Asks || ready.ContainsKey(service.Name) || has(service.Name))
                continue;
            var made = ClientTable.Create();
            made.IfRight(table => ready[service.Name] = table);
            if (made.IsLeft)
            {
                Abandon();
                return made.Map(_ => Unit.Default);
            }
        }

        return Unit.Default;
    }

    /// <summary>The table of a service, joined; why there is none, where nobody has prepared it.</summary>
    public Either<Problem, ClientTable> TakeOf(string service) =>
        (ready.Remove(service, out var table) ? table : ClientTable.Create()).Map(taken =>
        {
            taken.Join(Column);
            taken.Retain(Elders);
            return taken;
        });

    /// <summary>Gives back what nobody has taken.</summary>
    public void Abandon()
    {
        foreach (var table in ready.Values)
            table.Dispose();
        ready.Clear();
    }

    public void Dispose() => Abandon();
}
