module Bal.FSharp.HealthSpecs

open FsCheck
open FsCheck.Xunit
open Bal.Domain.Backend
open Bal.Domain.Config
open Bal.FSharp.Core
open Bal.FSharp.Generators

let after policy outcomes health =
    (health, outcomes) ||> List.fold (fun health outcome -> HealthMachine.Step(policy, outcome, health).State)

let failed = Outcome.Failure FailureKind.Refused

let isLocal =
    function
    | Failed FailureKind.Local -> true
    | Failed _
    | Passed -> false

[<Property(Arbitrary = [| typeof<Values> |])>]
let ``a new backend is up and goes down at its first failure`` (policy: HealthPolicy) kind =
    let first = HealthMachine.Initial policy
    first.Up && not (first |> after policy [ Outcome.Failure kind ]).Up

[<Property(Arbitrary = [| typeof<Values> |])>]
let ``a backend that has succeeded goes down exactly at the fail threshold`` (policy: HealthPolicy) =
    let proven = HealthMachine.Initial policy |> after policy [ Outcome.Success ]
    let upAfter failures = (proven |> after policy (List.replicate failures failed)).Up
    upAfter (policy.FailThreshold - 1) && not (upAfter policy.FailThreshold)

[<Property(Arbitrary = [| typeof<Values> |])>]
let ``a backend that is down comes up exactly at the success threshold`` (policy: HealthPolicy) =
    let down =
        HealthMachine.Initial policy
        |> after policy (Outcome.Success :: List.replicate policy.FailThreshold failed)

    let upAfter successes = (down |> after policy (List.replicate successes Outcome.Success)).Up
    not (upAfter (policy.SuccessThreshold - 1)) && upAfter policy.SuccessThreshold

[<Property(Arbitrary = [| typeof<Values> |])>]
let ``one that was never reached comes up at its first success``
    (policy: HealthPolicy)
    (failures: NonEmptyArray<bool>)
    =
    let down =
        HealthMachine.Initial policy
        |> after policy [ for isLocal in failures.Get -> if isLocal then Outcome.Failure FailureKind.Local else failed ]

    not down.Up && (down |> after policy [ Outcome.Success ]).Up

[<Property(Arbitrary = [| typeof<Values> |])>]
let ``local failures may be left out of any life of one that was reached``
    (policy: HealthPolicy)
    (outcomes: Outcome list)
    =
    let first = HealthMachine.Initial policy |> after policy [ Outcome.Success ]
    after policy outcomes first = after policy (List.filter (isLocal >> not) outcomes) first

[<Property(Arbitrary = [| typeof<Values> |])>]
let ``the side changes exactly where the step says so`` (policy: HealthPolicy) (outcomes: Outcome list) =
    (HealthMachine.Initial policy, outcomes)
    ||> List.scan (fun health outcome -> HealthMachine.Step(policy, outcome, health).State)
    |> List.pairwise
    |> List.zip outcomes
    |> List.forall (fun (outcome, (before, now)) ->
        match HealthMachine.Step(policy, outcome, before).Change with
        | HealthChange.WentDown -> before.Up && not now.Up
        | HealthChange.CameUp -> not before.Up && now.Up
        | _ -> before.Up = now.Up)
