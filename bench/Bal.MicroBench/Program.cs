using BenchmarkDotNet.Running;

// dotnet run -c Release --project bench/Bal.MicroBench -- --filter '*'
BenchmarkSwitcher.FromAssembly(typeof(Bal.MicroBench.StepBench).Assembly).Run(args);
