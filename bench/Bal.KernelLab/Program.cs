using System.Runtime.InteropServices;
using Bal.KernelLab.Integrity;
using Bal.KernelLab.Relays;

// relay MODE LISTEN_PORT BACKEND_PORT [THREADS]   relays until SIGTERM; bench/kernel_lab.py measures it
// integrity MODE [ROUNDS] [CASE]                  sends streams through it; exit status 1 where one fared badly
return args switch
{
    ["relay", var mode, var port, var backend, .. var threads] =>
        Serve(mode, int.Parse(port), int.Parse(backend), threads),
    ["integrity", var mode, .. var rest] => await Test(mode, rest),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine(
        "usage: relay MODE LISTEN_PORT BACKEND_PORT [THREADS] | integrity MODE [ROUNDS] [CASE]\n"
        + $"modes: {string.Join(", ", Modes.Names)}; cases: {string.Join(", ", Case.All.Select(c => c.Name))}");
    return 2;
}

static int Serve(string mode, int port, int backend, string[] threads)
{
    var relays = Enumerable.Range(0, threads.Length > 0 ? int.Parse(threads[0]) : 1)
        .Select(_ => Modes.Start(mode, port, backend)).ToList();
    relays.ForEach(r => r.Start());
    using var stopped = new ManualResetEventSlim();
    using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
    {
        context.Cancel = true;
        stopped.Set();
    });
    stopped.Wait();
    return 0;
}

static async Task<int> Test(string mode, string[] rest)
{
    var rounds = rest.Length > 0 ? int.Parse(rest[0]) : 3;
    var only = rest.Length > 1 ? rest[1] : null;
    var harness = new Harness(backend => Modes.Start(mode, 0, backend), seed: 1);
    var failed = 0;
    foreach (var test in Case.All.Where(c => only == null || c.Name == only))
    {
        var outcomes = await harness.Run(test, rounds);
        var bad = outcomes.Where(o => o.Key != Outcome.Fine).OrderBy(o => o.Key).ToList();
        failed += bad.Count > 0 ? 1 : 0;
        Console.WriteLine($"{mode,-16} {test.Name,-32} {(bad.Count == 0 ? "ok" : "FAILED"),-7} "
            + $"{outcomes.Values.Sum()} checks{string.Concat(bad.Select(o => $", {o.Value} {o.Key}"))}");
    }

    return failed == 0 ? 0 : 1;
}
