module Bal.FSharp.LifeSpecs

open System.Net
open Xunit
open FsCheck
open FsCheck.Xunit
open Bal.Domain.Admission
open Bal.Domain.Backend
open Bal.Domain.Control
open Bal.Domain.Primitives
open Bal.FSharp.Core

let two = [ "127.0.0.1:9000"; "127.0.0.1:9001" ]

[<Fact>]
let ``a new backend is one failed probe away from down`` () =
    let state, effects = run two [ 0, tick; 1, probe 1 (Outcome.Failure FailureKind.Refused) ]
    Assert.Contains("backend_down", said effects)
    Assert.Equal<int>([ 1 ], ids (table state).Down)

[<Fact>]
let ``a name is looked up, and probed at the address that is answered`` () =
    let address = IPAddress.Parse "10.0.0.7"
    let answer = ControlEvent.Resolved("db.internal", Arr<IPAddress>[ address ]) :> ControlEvent
    let _, effects = run [ "db.internal:5432" ] [ 0, tick; 1, answer; 1, tick ]

    let steps =
        effects
        |> List.choose (function
            | LookedUp name -> Some name
            | Probed(id, addresses) -> Some $"{id} at {addresses}"
            | Published _ | Said _ | Forgotten _ | ServiceForgotten _ | Other -> None)

    Assert.Equal<string>([ "db.internal"; "1 at [10.0.0.7]" ], steps)

[<Fact>]
let ``a reload keeps what is known, and forgets a backend when its last connection has ended`` () =
    let reload = ControlEvent.Reloaded(config [ "127.0.0.1:9000" ]) :> ControlEvent
    let life = run two [ 0, refused 1 1; 1, reload ]

    match backends (fst life) with
    | [ kept; leaving ] ->
        Assert.Equal((1, 1L, false), (kept.Id.Value, kept.Failures.Refused, kept.Draining))
        Assert.Equal((2, true), (leaving.Id.Value, leaving.Draining))
    | other -> failwithf "others: %A" other

    let state, effects = step life (2, ControlEvent.BackendIdle(BackendId 2))
    Assert.Equal(1, List.length (backends state))
    Assert.Contains(2, effects |> List.choose (function Forgotten id -> Some id | _ -> None))

let orders = "orders", 5432, [ "127.0.0.1:9000" ]
let cache = "cache", 6379, [ "127.0.0.1:9001" ]
let reload services = ControlEvent.Reloaded(configOf services) :> ControlEvent

[<Fact>]
let ``each service has its own protection mode, and a renamed one keeps it`` () =
    let renamed = "shop", 5432, [ "127.0.0.1:9000" ]
    let state, _ = play (configOf [ orders; cache ]) [ 0, refused 1 10; 1, reload [ renamed; cache ] ]

    Assert.Equal<string * int * bool>(
        [ "shop", 1, true; "cache", 2, false ],
        [ for service in services state -> service.Config.Name, service.Id.Value, service.Protection.IsOn ])

[<Fact>]
let ``a removed service is forgotten with its last backend`` () =
    let life = play (configOf [ orders; cache ]) [ 0, reload [ cache ] ]
    Assert.Equal<string * bool>(
        [ "cache", false; "orders", true ],
        [ for service in services (fst life) -> service.Config.Name, service.Removed ]
    )

    let state, effects = step life (1, ControlEvent.BackendIdle(BackendId 1))
    Assert.Equal<string>([ "cache" ], [ for service in services state -> service.Config.Name ])

    match effects |> List.filter (function Forgotten _ | ServiceForgotten _ -> true | _ -> false) with
    | [ Forgotten 1; ServiceForgotten 1 ] -> ()
    | other -> failwithf "otherwise: %A" other

[<Property>]
let ``rejected connections are said at most once a second, and none is lost`` (PositiveInt first) (PositiveInt more) =
    let rejected (total: int) = ControlEvent.ClientsRefused(ServiceId 1, Refusal.Limit, int64 total) :> ControlEvent
    let _, effects = run two [ 0, rejected first; 999, rejected (first + more); 999, tick; 1_000, tick ]
    let lines = effects |> List.choose (function :? ControlEffect.Log as log -> Some log.Line | _ -> None)

    let number name (line: Bal.Domain.Messages.LogEvent) =
        line.Fields
        |> Seq.pick (fun field ->
            match field.Value with
            | :? Bal.Domain.Messages.LogValue.Number as n when field.Name = name -> Some n.Value
            | _ -> None)

    List.map (number "rejected") lines = [ int64 first; int64 more ]

[<Fact>]
let ``the second stop ends at once`` () =
    match (fst (run two [ 0, stop ])).Phase with
    | Draining since -> Assert.Equal(Instant.Zero, since)
    | Serving | Ended -> failwith "not draining"

    match (fst (run two [ 0, stop; 1, stop ])).Phase with
    | Ended -> ()
    | Serving | Draining _ -> failwith "not ended"

[<Property>]
let ``the same script gives the same life, state by state and effect by effect`` (events: (byte * byte) list) =
    let script =
        events
        |> List.mapi (fun i (id, what) ->
            let id = 1 + int id % 2
            i * 100,
            (match what % 4uy with
             | 0uy -> tick
             | 1uy -> refused id 1
             | 2uy -> served id 1
             | _ -> probe id Outcome.Success))

    let (one, effects), (other, same) = run two script, run two script
    one = other && table one = table other && effects = same
