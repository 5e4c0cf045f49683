module Bal.FSharp.ProtectionSpecs

open Xunit
open FsCheck
open FsCheck.Xunit
open Bal.Domain.Config
open Bal.Domain.Primitives
open Bal.Domain.Protection
open Bal.FSharp.Core
open Bal.FSharp.Generators

let failed count = ProtectionEvent.ClientConnectsFailed count :> ProtectionEvent
let succeeded count = ProtectionEvent.Succeeded count :> ProtectionEvent
let exhausted = ProtectionEvent.ClientExhausted() :> ProtectionEvent

/// Protection mode after events, each at its time.
let after policy (script: (int64 * ProtectionEvent) list) =
    (ProtectionState.Quiet, script)
    ||> List.fold (fun state (time, event) -> ProtectionMachine.Step(policy, event, Instant time, state).State)

[<Property(Arbitrary = [| typeof<Values> |])>]
let ``failures of one moment turn it on exactly at the trigger`` (policy: ProtectionPolicy) =
    let isOnAfter failures = (after policy [ for _ in 1..failures -> 7L, failed 1 ]).IsOn
    isOnAfter policy.TriggerThreshold && not (isOnAfter (policy.TriggerThreshold - 1))

[<Property(Arbitrary = [| typeof<Values> |])>]
let ``failures a window apart turn it on only where one is enough`` (policy: ProtectionPolicy) (PositiveInt count) =
    let apart = [ for i in 1..count -> int64 i * policy.Window.Milliseconds, failed 1 ]
    (after policy apart).IsOn = (policy.TriggerThreshold = 1)

[<Property(Arbitrary = [| typeof<Values> |])>]
let ``it turns off exactly at the stable successes, counted from the last failure`` (policy: ProtectionPolicy) =
    let stable = policy.StableSuccessThreshold
    let almost = List.replicate (stable - 1) (2L, succeeded 1)
    let script = (1L, exhausted) :: almost @ [ 2L, failed 1 ] @ almost

    match after policy script, after policy (script @ [ 3L, succeeded 1 ]) with
    | ProtectionOn(reason, since, successes), ProtectionOff marks ->
        reason = ProtectionReason.AllBackendsUnavailable && since = at 1 && successes = stable - 1 && marks = 0
    | _ -> false

[<Fact>]
let ``a storm of refusals turns it on for a service, and the loops are told`` () =
    let state, effects = run [ "127.0.0.1:9000"; "127.0.0.1:9001" ] [ 5, refused 1 10 ]

    match protection state with
    | ProtectionOn(reason, since, _) -> Assert.Equal((ProtectionReason.TimeoutOrRefusedStorm, at 5), (reason, since))
    | ProtectionOff marks -> failwithf "off with %d marks" marks

    match List.last effects with
    | Published 1 -> Assert.True (table state).Protection
    | other -> failwithf "not told: %A" other
