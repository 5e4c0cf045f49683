/// Bal.Domain as an F# program sees it: unions by active patterns, decisions as folds. No adapter is needed for more.
module Bal.FSharp.Core

open System
open System.Net
open LanguageExt
open Bal.Domain.Backend
open Bal.Domain.Balancing
open Bal.Domain.Config
open Bal.Domain.Control
open Bal.Domain.Primitives
open Bal.Domain.Protection

let (|ProtectionOff|ProtectionOn|) (state: ProtectionState) =
    state.Match(
        (fun off -> Choice1Of2 off.Recent.Count),
        (fun on -> Choice2Of2(on.Reason, on.Since, on.Successes)))
    |> function
        | Choice1Of2 marks -> ProtectionOff marks
        | Choice2Of2 on -> ProtectionOn on

let (|Serving|Draining|Ended|) (phase: Phase) =
    phase.Match((fun () -> 0, Instant.Zero), (fun d -> 1, d.Since), (fun () -> 2, Instant.Zero))
    |> function
        | 0, _ -> Serving
        | 1, since -> Draining since
        | _ -> Ended

let (|Published|Probed|Said|Other|) (effect: ControlEffect) =
    match effect with
    | :? ControlEffect.Publish as p -> Published p.Table
    | :? ControlEffect.StartProbe as p -> Probed p.Backend
    | :? ControlEffect.Log as l -> Said l.Line.Event
    | _ -> Other

let at (milliseconds: int) = Instant(int64 milliseconds)

let endpoint (text: string) =
    let parts = text.Split ':'
    Endpoint(Host.Address(IPAddress.Parse parts[0]), int parts[1])

let service (backends: string list) =
    let endpoints = backends |> List.map endpoint |> List.toArray |> Arr<Endpoint>
    Service(Service.DefaultName, Listener(Host.Address IPAddress.Loopback, 9295), Method.RoundRobin, endpoints,
            Tuning.For endpoints.Count)

let config backends =
    BalConfig(Mode.Simple, LogLevel.Info, Option<int>.None, Arr<Service>([| service backends |]))

/// The state and every effect after a script of (milliseconds, event).
let run backends script =
    let start = ControlMachine.Start(config backends, Instant.Zero)
    (( start.State, List.ofSeq start.Effects ), script)
    ||> List.fold (fun (state, effects) (time, event) ->
        let step = ControlMachine.Step(event, at time, state)
        step.State, effects @ List.ofSeq step.Effects)

let refused id count = ControlEvent.ConnectsFailed(BackendId id, FailureKind.Refused, count) :> ControlEvent
let probe id outcome = ControlEvent.ProbeEnded(BackendId id, outcome, Option<IPAddress>.None) :> ControlEvent
let tick = ControlEvent.Tick() :> ControlEvent
let stop = ControlEvent.StopRequested() :> ControlEvent

let rec candidates (table: RoutingTable) turn tried =
    let next = Selection.Next(table, turn, ReadOnlySpan(List.toArray tried), 0)
    if next.IsNone then
        List.rev tried
    else
        let candidate = next.Match((fun c -> c), (fun () -> failwith "unreachable"))
        candidates table turn (candidate.Route.Id.Value :: tried)
