using Bal.Fuzz;
using SharpFuzz;

// Bal.Fuzz TARGET             under afl-fuzz: one input after the other
// Bal.Fuzz TARGET FILE...     each file once, with what is wrong about it
if (args.Length == 0 || Target.Find(args[0]) is not { } target)
{
    Console.Error.WriteLine($"usage: Bal.Fuzz {string.Join('|', Target.All.Select(t => t.Name))} [FILE...]");
    return 64;
}

if (args.Length == 1)
{
    // In a process of its own, so that even a stack overflow is an answer.
    Fuzzer.OutOfProcess.Run(stream =>
    {
        using var input = new MemoryStream();
        stream.CopyTo(input);
        target.RunBounded(input.ToArray());
    });
    return 0;
}

var broken = 0;
foreach (var file in args.Skip(1))
{
    try
    {
        target.RunBounded(File.ReadAllBytes(file));
    }
    catch (Exception e)
    {
        broken++;
        Console.WriteLine($"{file}: {e}");
    }
}

return broken == 0 ? 0 : 1;
