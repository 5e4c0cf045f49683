module Bal.FSharp.SelectionSpecs

open FsCheck
open FsCheck.Xunit
open Bal.Domain.Backend
open Bal.Domain.Control
open Bal.Domain.Primitives
open Bal.FSharp.Core

let three = [ "127.0.0.1:1"; "127.0.0.1:2"; "127.0.0.1:3" ]

[<Property>]
let ``every client visits every candidate once, the best first`` (turn: uint64) =
    let state, _ = run three [ 0, refused 2 1 ]
    let visited = candidates (table state) turn
    List.sort visited = [ 1; 2; 3 ] && List.last visited = 2

[<Property>]
let ``clients that follow each other are spread evenly`` (first: uint32) (PositiveInt rounds) =
    let state, _ = start (config three)

    [ for turn in uint64 first .. uint64 first + uint64 (3 * rounds) - 1UL ->
          List.head (candidates (table state) turn) ]
    |> List.countBy id
    |> List.forall (fun (_, clients) -> clients = rounds)

[<Property>]
let ``in protection mode a client gets one last resort`` (turn: uint64) =
    let exhausted = ControlEvent.ClientExhausted(ServiceId 1) :> ControlEvent
    // Two of three are down.
    let state, _ = run three [ 0, refused 1 1; 0, refused 2 1; 0, exhausted ]

    match candidates (table state) turn with
    | [ 3; lastResort ] -> List.contains lastResort [ 1; 2 ]
    | _ -> false
