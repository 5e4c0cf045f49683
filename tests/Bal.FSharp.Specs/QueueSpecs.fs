module Bal.FSharp.QueueSpecs

open FsCheck
open FsCheck.Xunit
open Bal.Domain.Admission
open Bal.FSharp.Core

/// What happens in the order that a schedule names: each number picks one of the steps that are possible then.
let play limits clients schedule =
    let actors = Arr<QueueActor>(List.replicate clients (QueueActor.Client()))
    let start = QueueProtocol.Of(Arr<int>(Seq.ofList limits), clients, actors)

    let step (life: QueueProtocol list) (choice: byte) =
        match Seq.toList (life.Head.Next()) with
        | [] -> life
        | next -> next[int choice % next.Length] :: life

    List.fold step [ start ] schedule

let limitsOf (one: byte) (two: byte) = [ 1 + int one % 2; int two % 3 ]

[<Property>]
let ``no backend has more clients than its limit, whatever the schedule`` one two (PositiveInt clients) schedule =
    let limits = limitsOf one two

    play limits (1 + clients % 6) schedule
    |> List.forall (fun state -> Seq.forall2 (fun taken limit -> taken <= limit) state.Taken limits)

[<Property>]
let ``who waits is served in turn: only the first of the line leaves it`` one two (PositiveInt clients) schedule =
    play (limitsOf one two) (1 + clients % 6) schedule
    |> List.pairwise
    |> List.forall (fun (after, before) ->
        match List.ofSeq before.Line, List.ofSeq after.Line with
        | _ :: behind, line when line.Length = behind.Length -> line = behind
        | line, longer -> List.forall (fun who -> List.contains who longer) line)

[<Property>]
let ``every client is served in the end, whatever the schedule`` one two (PositiveInt clients) schedule =
    // Whatever came before, the first possible step taken again and again leads to the end.
    let rec finish (state: QueueProtocol) =
        match Seq.tryHead (state.Next()) with
        | Some next -> finish next
        | None -> state

    let last = finish (play (limitsOf one two) (1 + clients % 6) schedule).Head
    last.Line.IsEmpty && last.Actors |> Seq.forall (fun actor -> actor.Ended && actor.Stage = QueueStage.Gone)
