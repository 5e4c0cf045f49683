module Bal.FSharp.ExplainSpecs

open System
open Xunit
open FsCheck
open FsCheck.Xunit
open Bal.Domain.Backend
open Bal.Domain.Config
open Bal.Domain.Control
open Bal.Domain.Counting
open Bal.Domain.Messages
open Bal.Domain.Reports
open Bal.Domain.Explain
open Bal.Domain.History
open Bal.FSharp.Core
open Bal.FSharp.Generators

let explained time state = ExplainBackend.Of(List.head (backends state), 0L, at time, state)
let one = [ "127.0.0.1:9000" ]

/// One backend that has already succeeded, and whose thresholds are these.
let proven policy =
    config one
    |> tuned (fun t ->
        Tuning(
            policy, t.ConnectTimeout, t.Backoff, t.Protection, t.MaxConcurrentConnections, t.IdleTimeout,
            t.OverloadPolicy, t.Backlog, t.Relay))
    |> fun config -> play config [ 0, served 1 1 ]

[<Property(Arbitrary = [| typeof<Values> |])>]
let ``so many failures as it says take a backend out, and one less does not`` (policy: HealthPolicy) (seen: uint8) =
    let script = List.replicate (int seen % policy.FailThreshold) (1, refused 1 1)
    let life = List.fold step (proven policy) script
    let toDown = (explained 1 (fst life)).Health.FailuresToDown

    let isUpAfter failures =
        let state, _ = List.fold step life (List.replicate failures (2, refused 1 1))
        (List.head (backends state)).Health.Up

    isUpAfter (toDown - 1) && not (isUpAfter toDown)

[<Fact>]
let ``what took a backend out is told by who saw it and how`` () =
    let script = [ 1, refused 1 1; 2, tick; 3, probe 1 (Outcome.Failure FailureKind.Timeout) ]
    let state, _ = List.fold step (proven (Tuning.For 1).Health) script

    match toOption (explained 3 state).Health.LastOutage with
    | None -> failwith "it is up"
    | Some outage ->
        Assert.Equal(at 3, outage.Since)
        Assert.Equal(2L, outage.Seen)

        match List.ofSeq outage.Cause with
        | [ Seen(Witness.Client, FailureKind.Refused, 1L); Seen(Witness.Probe, FailureKind.Timeout, 1L) ] -> ()
        | other -> failwithf "something else: %A" other

[<Fact>]
let ``the history of a backend reads as a story`` () =
    let state, _ =
        run one [ 0, tick; 1, probe 1 (Outcome.Failure FailureKind.Refused); 500, tick; 501, probe 1 Outcome.Success ]

    Assert.Equal<string>(
        [ "added"; "failed"; "went_down"; "passed"; "came_up" ],
        [ for entry in (explained 501 state).Events -> HappeningText.Of entry.What ])

[<Fact>]
let ``protection mode says how far it is from changing sides, and that is how far it is`` () =
    let life = run one [ 1, refused 1 3 ]
    let standing (state: ControlState, _) = ExplainProtection.Of(at 2, first state).Standing

    match standing life with
    | Protecting _ -> failwith "on after three failures"
    | Calm failures ->
        Assert.Equal(7L, failures)

        match standing (step life (2, refused 1 (int failures))) with
        | Calm _ -> failwith "still off"
        | Protecting successes -> Assert.Equal(12, successes)

[<Fact>]
let ``an explanation is text for an operator`` () =
    let state, _ = run one [ 0, tick; 1, probe 1 (Outcome.Failure FailureKind.Refused) ]
    let clock = ClockReading(at 1, DateTimeOffset.UnixEpoch)

    let sentence = BackendText.Sentence(clock, explained 1 state)
    Assert.StartsWith("out since ", sentence)
    Assert.Contains("1 failed check (probe refused): a new backend starts one failure away from down", sentence)
