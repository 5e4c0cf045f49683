/// Bal.Domain as an F# program sees it: unions by active patterns, decisions as folds. No adapter is needed for more.
module Bal.FSharp.Core

open System
open System.Net
open Bal.Domain.Backend
open Bal.Domain.Balancing
open Bal.Domain.Config
open Bal.Domain.Control
open Bal.Domain.Explain
open Bal.Domain.History
open Bal.Domain.Messages
open Bal.Domain.Primitives
open Bal.Domain.Protection

// By these names alone: opening LanguageExt would hide Some and None.
type Arr<'a> = LanguageExt.Arr<'a>
type Maybe<'a> = LanguageExt.Option<'a>

/// LanguageExt's option as F#'s own.
let toOption (option: Maybe<'a>) = Seq.tryHead option

let (|Passed|Failed|) (outcome: Outcome) =
    outcome.Match((fun () -> Choice1Of2()), (fun kind -> Choice2Of2 kind))
    |> function
        | Choice1Of2() -> Passed
        | Choice2Of2 kind -> Failed kind

let (|Address|Name|Unix|) (host: Host) =
    host.Match((fun ip -> Choice1Of3 ip), (fun name -> Choice2Of3 name), (fun path -> Choice3Of3 path))
    |> function
        | Choice1Of3(ip: IPAddress) -> Address ip
        | Choice2Of3(name: string) -> Name name
        | Choice3Of3(path: string) -> Unix path

let (|ProtectionOff|ProtectionOn|) (state: ProtectionState) =
    state.Match(
        (fun off -> Choice1Of2 off.Recent.Count),
        (fun on -> Choice2Of2(on.Reason, on.Since, on.Successes)))
    |> function
        | Choice1Of2 marks -> ProtectionOff marks
        | Choice2Of2 on -> ProtectionOn on

let (|Serving|Draining|Ended|) (phase: Phase) =
    phase.Match(
        (fun () -> 0, Instant.Zero),
        (fun _ -> 0, Instant.Zero),
        (fun d -> 1, d.Since),
        (fun () -> 2, Instant.Zero)
    )
    |> function
        | 0, _ -> Serving
        | 1, since -> Draining since
        | _ -> Ended

let (|Calm|Protecting|) (standing: ProtectionStanding) =
    standing.Match((fun off -> Choice1Of2 off.FailuresToOn), (fun on -> Choice2Of2 on.SuccessesToOff))
    |> function
        | Choice1Of2(failuresToOn: int64) -> Calm failuresToOn
        | Choice2Of2(successesToOff: int) -> Protecting successesToOff

/// A failure in the history of a backend: who saw it, what, and how often.
let (|Seen|_|) (entry: Bal.Domain.History.BackendEntry) =
    match entry.What with
    | :? BackendHappening.Failed as failed -> Some(failed.Witness, failed.Kind, entry.Count)
    | _ -> None

let (|Published|Probed|LookedUp|Said|Forgotten|ServiceForgotten|Other|) (effect: ControlEffect) =
    match effect with
    | :? ControlEffect.Publish as p -> Published p.Service.Value
    | :? ControlEffect.StartProbe as p -> Probed(p.Backend.Value, List.ofSeq p.Addresses)
    | :? ControlEffect.Resolve as r -> LookedUp r.Name
    | :? ControlEffect.Log as l -> Said l.Line.Event
    | :? ControlEffect.Forget as f -> Forgotten f.Backend.Value
    | :? ControlEffect.ForgetService as f -> ServiceForgotten f.Service.Value
    | _ -> Other

let (|Valid|Invalid|) (outcome: ConfigOutcome) =
    match toOption outcome.Config with
    | Some config -> Valid config
    | None -> Invalid [ for finding in outcome.Findings -> finding.Code, finding.Path ]

let at (milliseconds: int) = Instant(int64 milliseconds)

// A document as a reader of files would hand it over.

let scalar (text: string) = RawNode.Scalar(SourcePosition.Start, text, false) :> RawNode
let sequence (items: RawNode list) = RawNode.Sequence(SourcePosition.Start, Arr<RawNode> items) :> RawNode

let mapping (entries: (string * RawNode) list) =
    RawNode.Mapping(SourcePosition.Start, Arr<RawEntry>[ for key, value in entries -> RawEntry(scalar key, value) ])
    :> RawNode

let backend (text: string) =
    let colon = text.LastIndexOf ':'
    mapping [ "host", scalar text[.. colon - 1]; "port", scalar text[colon + 1 ..] ]

let listening (port: int) (backends: string list) =
    mapping
        [ "bind_address", scalar "127.0.0.1"
          "port", scalar (string port)
          "backends", sequence (List.map backend backends) ]

/// The service "default" alone.
let document backends = listening 9295 backends

/// Services by name, each on a port of its own.
let documentOf services =
    mapping [ "services", mapping [ for name, port, backends in services -> name, listening port backends ] ]

let parse document = ConfigValidation.Validate(document, HostFacts.Unknown)

let private valid document =
    match parse document with
    | Valid config -> config
    | Invalid why -> failwithf "no configuration: %A" why

let config backends = valid (document backends)
let configOf services = valid (documentOf services)

/// The same configuration with another tuning of every service.
let tuned change (config: BalConfig) =
    let services =
        [ for s in config.Services -> Service(s.Name, s.Listener, s.Method, s.Backends, change s.Tuning) ]

    BalConfig(config.Mode, config.LogLevel, config.Threads, Arr<Service> services)

// A life: a start, and a script of (milliseconds, event), folded into the last state and every effect.

let start (config: BalConfig) =
    let first = ControlMachine.Start(config, Instant.Zero)
    first.State, List.ofSeq first.Effects

let step (state: ControlState, effects: ControlEffect list) (time, event) =
    let step = ControlMachine.Step(event, at time, state)
    step.State, effects @ List.ofSeq step.Effects

let play config script = List.fold step (start config) script
let run backends script = play (config backends) script

/// What each of these says, in the order of time.
let said effects = effects |> List.choose (function Said event -> Some event | _ -> None)

let refused id count = ControlEvent.ConnectsFailed(BackendId id, FailureKind.Refused, count) :> ControlEvent
let served id count = ControlEvent.ConnectsSucceeded(BackendId id, count) :> ControlEvent
let probe id outcome = ControlEvent.ProbeEnded(BackendId id, outcome, Maybe<IPAddress>.None) :> ControlEvent
let tick = ControlEvent.Tick() :> ControlEvent
let stop = ControlEvent.StopRequested() :> ControlEvent

let services (state: ControlState) = List.ofSeq state.InOrder
let backendsOf (service: ServiceState) = List.ofSeq service.InOrder

// Of the first service, which is the only one of most lives.
let first state = List.head (services state)
let backends state = backendsOf (first state)
let protection state = (first state).Protection
let table state = Publishing.TableOf(first state)
let ids (routes: Arr<Route>) = [ for route in routes -> route.Id.Value ]

/// Every backend that a client tries, in its order, if none of them answers.
let candidates (table: RoutingTable) (turn: uint64) =
    let selector = Selector.Of(table, Maybe<Selector>.None)

    let rec visit tried lastResorts =
        match toOption (selector.Next(Attempt(turn, ReadOnlySpan(List.toArray tried), lastResorts))) with
        | None -> List.rev tried
        | Some candidate ->
            let resorts = if candidate.Tier = Tier.Up then lastResorts else lastResorts + 1
            visit (candidate.Route.Id.Value :: tried) resorts

    visit [] 0
