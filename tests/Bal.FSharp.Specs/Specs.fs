module Bal.FSharp.Specs

open FsCheck.Xunit
open Xunit
open Bal.Domain.Backend
open Bal.Domain.Balancing
open Bal.Domain.Control
open Bal.Domain.Primitives
open Bal.Domain.Protection
open Bal.FSharp.Core

let two = [ "127.0.0.1:9000"; "127.0.0.1:9001" ]

let protection (state: ControlState) = state.Services[0].Protection
let table (state: ControlState) = state.Services[0].Table

[<Fact>]
let ``the first table has every backend up, in the order of the file`` () =
    let state, effects = run two []
    let tables = effects |> List.choose (function Published t -> Some t | _ -> None)
    let published = Assert.Single tables
    Assert.Equal(published, table state)
    Assert.Equal<int list>([ 1; 2 ], [ for route in published.Up -> route.Id.Value ])

[<Fact>]
let ``a storm of refusals turns protection mode on, successes in a row turn it off`` () =
    match protection (fst (run two [ 5, refused 1 10 ])) with
    | ProtectionOn(reason, since, _) ->
        Assert.Equal(ProtectionReason.TimeoutOrRefusedStorm, reason)
        Assert.Equal(at 5, since)
    | ProtectionOff marks -> failwithf "off with %d marks" marks

    let recovery = [ 5, refused 1 10; 6, (ControlEvent.ConnectsSucceeded(BackendId 1, 12) :> ControlEvent) ]
    match protection (fst (run two recovery)) with
    | ProtectionOff marks -> Assert.Equal(0, marks)
    | ProtectionOn _ -> failwith "still on"

[<Fact>]
let ``a new backend is one failed probe away from down`` () =
    let state, effects = run two [ 0, tick; 1, probe 1 (Outcome.Failure FailureKind.Refused) ]
    Assert.Contains("backend_down", effects |> List.choose (function Said e -> Some e | _ -> None))
    Assert.Equal(1, (table state).Down.Count)

[<Fact>]
let ``the second stop ends at once`` () =
    match (fst (run two [ 0, stop ])).Phase with
    | Draining since -> Assert.Equal(Instant.Zero, since)
    | Serving | Ended -> failwith "not draining"

    match (fst (run two [ 0, stop; 1, stop ])).Phase with
    | Ended -> ()
    | Serving | Draining _ -> failwith "not ended"

[<Property>]
let ``every client visits every candidate once, the best first`` (turn: uint64) =
    let state, _ = run [ "127.0.0.1:1"; "127.0.0.1:2"; "127.0.0.1:3" ] [ 0, refused 2 1 ]
    let visited = candidates (table state) turn []
    List.sort visited = [ 1; 2; 3 ] && List.last visited = 2

[<Property>]
let ``equal states are equal by value`` (failures: FsCheck.PositiveInt) =
    let script = [ 7, refused 1 failures.Get ]
    (fst (run two script)).Services[0].Backends[0] = (fst (run two script)).Services[0].Backends[0]
