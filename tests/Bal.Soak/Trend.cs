using System.Diagnostics;

namespace Bal.Soak;

/// <summary>What bal holds when nobody is connected, again and again: what leaks grows, and never comes back.</summary>
internal sealed class Trend(Func<int> pid, int threads)
{
    private const int IdlePipes = 16;
    private const long MostGrowth = 4 * 1024 * 1024;

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<Sample> _samples = [];

    private sealed record Sample(double Minutes, long Resident, int Sockets, int Pipes, int Others);

    /// <summary>Takes a sample once the sockets of probes and connections are closed.</summary>
    public async Task Take(Ledger ledger)
    {
        if (_samples.Count > 0)
        {
            await Eventually.See("no more sockets than at the start",
                () => ProcFs.Descriptors(pid(), "socket:"), n => n <= _samples[0].Sockets);
        }

        var sample = new Sample(_clock.Elapsed.TotalMinutes, ProcFs.ResidentBytes(pid()),
            ProcFs.Descriptors(pid(), "socket:"), ProcFs.Descriptors(pid(), "pipe:"), ProcFs.Descriptors(
                pid(), "anon_inode:"));
        _samples.Add(sample);
        Console.WriteLine(
            $"{sample.Minutes,6:0.0} min  {sample.Resident / 1024,6} KiB resident  {sample.Sockets,3} sockets  " +
            $"{sample.Pipes,3} pipes  {sample.Others,3} others   {ledger.Streams,9} streams  " +
            $"{ledger.Bytes / 1e9,8:0.00} GB verified  {ledger.Failures} failures");
    }

    /// <summary>
    /// The first sample is before any client; memory is compared with the second, when everything has been used.
    /// </summary>
    public void Judge(Ledger ledger)
    {
        var (start, warm, end) = (_samples[0], _samples[1], _samples[^1]);
        Console.WriteLine(
            $"resident: {start.Resident / 1024} KiB before any client, {warm.Resident / 1024} KiB after the first " +
            $"round, {end.Resident / 1024} KiB at the end; slope {Slope():0.0} KiB/min over {_samples.Count - 1} "
            + $"rounds");
        Console.WriteLine(
            $"descriptors: {start.Sockets} sockets, {start.Pipes} pipes, {start.Others} others at the start; " +
            $"{end.Sockets}, {end.Pipes} and {end.Others} at the end");
        if (end.Resident - warm.Resident > MostGrowth)
            ledger.Unexpected(
                $"resident memory has grown by {(end.Resident - warm.Resident) / 1024} KiB since the first round");
        if (end.Sockets > start.Sockets || end.Others != start.Others)
            ledger.Unexpected($"descriptors are left: {start} became {end}");
        // Each loop keeps a few pipes for the next bulk transfer.
        if (end.Pipes > start.Pipes + 2 * IdlePipes * threads)
            ledger.Unexpected($"pipes are left: {start.Pipes} became {end.Pipes}");
    }

    // Least squares over all samples but the first.
    private double Slope()
    {
        var points = _samples.Skip(1).Select(s => (X: s.Minutes, Y: s.Resident / 1024.0)).ToArray();
        var (x, y) = (points.Average(p => p.X), points.Average(p => p.Y));
        var spread = points.Sum(p => (p.X - x) * (p.X - x));
        return spread == 0 ? 0 : points.Sum(p => (p.X - x) * (p.Y - y)) / spread;
    }
}
