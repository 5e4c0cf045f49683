/// What the properties are tried with: small policies, whose thresholds are met within a few events, and every outcome.
module Bal.FSharp.Generators

open FsCheck.FSharp
open Bal.Domain.Backend
open Bal.Domain.Config
open Bal.Domain.Primitives
open Bal.Domain.Protection

let kinds = [ FailureKind.Timeout; FailureKind.Refused; FailureKind.Other ]

type Values =
    static member HealthPolicy() =
        gen {
            let! fail = Gen.choose (1, 5)
            let! success = Gen.choose (1, 5)
            return HealthPolicy(Duration 500L, Duration 800L, fail, success)
        }
        |> Arb.fromGen

    static member ProtectionPolicy() =
        gen {
            let! trigger = Gen.choose (1, 6)
            let! window = Gen.elements [ 1L; 10L; 1_000L ]
            let! stable = Gen.choose (1, 6)
            return ProtectionPolicy(trigger, Duration window, stable)
        }
        |> Arb.fromGen

    /// A failure that is held against a backend.
    static member FailureKind() = Arb.fromGen (Gen.elements kinds)

    static member Outcome() =
        Gen.elements (Outcome.Success :: List.map Outcome.Failure (FailureKind.Local :: kinds)) |> Arb.fromGen
