// A scenario in F#: dotnet fsi sample/simulation.fsx, after dotnet build src/Bal.Cli -c Release.
#I "../src/Bal.Cli/bin/Release/net10.0"
#r "LanguageExt.Core.dll"
#r "Bal.Domain.dll"
#r "Bal.Application.dll"
#r "Bal.Infrastructure.dll"

open System.IO
open LanguageExt
open Bal.Application.Simulation
open Bal.Domain.Simulation
open Bal.Infrastructure.Config

let sample name = Path.Combine(__SOURCE_DIRECTORY__, name)
let config = ConfigLoader.Load(sample "config.yaml").Outcome.Config |> Seq.head
let scenario = ScenarioLoader.Load(sample "scenarios/rolling-restart.yaml", Arr [| config |]).Scenario |> Seq.head

for seed in 1UL .. 3UL do
    let seeded =
        Scenario(seed, scenario.Length, scenario.Clients, scenario.ConnectLatency, scenario.Events, scenario.Expected)
    let report = SimulationRun.Of(config, "config.yaml", seeded, "rolling-restart.yaml")
    printfn $"seed {seed}: {report.Totals.Served} served, {report.Totals.Failed} failed, passed {report.Passed}"
