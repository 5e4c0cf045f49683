module Bal.FSharp.ConfigSpecs

open System.Net
open Xunit
open FsCheck
open FsCheck.Xunit
open Bal.Domain.Config
open Bal.FSharp.Core

[<Fact>]
let ``a document becomes a configuration, a state and the table that clients are served by`` () =
    match parse (document [ "10.0.0.1:9000"; "db.internal:5432" ]) with
    | Invalid why -> failwithf "invalid: %A" why
    | Valid config ->
        let hosts =
            config.Services
            |> Seq.collect _.Endpoints
            |> Seq.map (fun endpoint ->
                match endpoint.Host with
                | Address ip -> string ip
                | Name name -> name
                | Unix path -> path)

        Assert.Equal<string>([ "10.0.0.1"; "db.internal" ], hosts)

        match start config with
        | state, [ Published 1 ] ->
            // The name has no address yet.
            Assert.Equal<int>([ 1 ], ids (table state).Up)
        | _, effects -> failwithf "more than one table: %A" effects

[<Fact>]
let ``every fault of a document is told at once, with its code and its place`` () =
    let faulty = mapping [ "prot", scalar "9295"; "port", scalar "0"; "backends", sequence [ backend "10.0.0.1:x" ] ]

    match parse faulty with
    | Valid _ -> failwith "it is valid"
    | Invalid why ->
        [ "unknown_key", "prot"; "out_of_range", "port"; "invalid_integer", "backends[0].port" ]
        |> List.iter (fun fault -> Assert.Contains(fault, why))

[<Property>]
let ``what is printed of a configuration is that configuration`` (PositiveInt count) =
    let config = config [ for i in 1 .. min count 9 -> $"10.0.0.{i}:9000" ]

    match parse (ConfigPrinter.ToRaw config) with
    | Valid again -> again = config
    | Invalid _ -> false

[<Property>]
let ``services have names, ports and backends of their own, and share the runtime of the top level``
    (PositiveInt one, PositiveInt other)
    =
    let service (port: int) count =
        let backends = [ for i in 1 .. min count 9 -> scalar $"10.0.0.{i}:9000" ]
        mapping [ "port", scalar (string port); "backends", sequence backends ]

    let file =
        mapping
            [ "services", mapping [ "orders-db", service 5432 one; "cache", service 6379 other ]
              "runtime", mapping [ "tcp_backlog", scalar "77" ] ]

    match parse file with
    | Invalid why -> failwithf "invalid: %A" why
    | Valid config ->
        let first, second = config.Services[0], config.Services[1]

        (first.Name, first.Listener.Port, first.Backends.Count) = ("orders-db", 5432, min one 9)
        && (second.Name, second.Listener.Port, second.Backends.Count) = ("cache", 6379, min other 9)
        && (first.Tuning.Backlog, second.Tuning.Backlog) = (77, 77)
