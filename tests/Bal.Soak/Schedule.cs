namespace Bal.Soak;

/// <summary>
/// One thing after the other that an operator does or a network suffers, at random, while clients go on.
/// </summary>
internal sealed class Schedule(
    Balancer balancer, Ledger ledger, IReadOnlyList<SoakBackend> backends, int limit, bool upgrades, int seed)
{
    public async Task Run(Func<bool> goesOn, int round)
    {
        var random = new Random(seed + round);
        // Each of them at least once a round, in another order.
        var due = new Queue<int>();
        while (goesOn())
        {
            if (due.Count == 0)
                due = new Queue<int>(Enumerable.Range(0, upgrades ? 11 : 7).OrderBy(_ => random.Next()));
            var victim = backends[random.Next(1, backends.Count)];
            await (due.Dequeue() switch
            {
                0 => balancer.Reload(random),
                1 => balancer.BadReload(random),
                2 => Suffers("a backend killed and revived", victim.Kill, victim, random),
                3 => Suffers("a backend refusing for a while", victim.Refuse, victim, random),
                4 => Suffers("a backend silent for a while", victim.Vanish, victim, random),
                5 => balancer.RotateLog(),
                6 => balancer.Push(limit),
                7 => balancer.Upgrade(),
                8 => balancer.Restart(),
                9 => balancer.KillAndStart(),
                _ => balancer.StopDuringUpgrade(random),
            });
            await balancer.Look(limit);
            // The pace of the schedule; nothing is being waited for.
            await Task.Delay(random.Next(400));
        }
    }

    private async Task Suffers(string what, Action fault, SoakBackend victim, Random random)
    {
        fault();
        await Task.Delay(random.Next(100, 1_500));
        victim.Revive();
        ledger.Count(what);
    }
}
