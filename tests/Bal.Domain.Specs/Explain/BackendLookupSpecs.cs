using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Explain;
using Bal.Domain.Messages;
using Bal.Domain.Specs.Control;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Explain;

/// <summary>Which backend an operator means by a word.</summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class BackendLookupSpecs
{
    [Property]
    public void A_backend_is_found_by_its_address_in_any_case_and_by_its_number(Scenario scenario) =>
        Life.Of(scenario, o =>
        {
            var service = o.After.State.InOrder[0];
            for (var i = 0; i < service.Config.Backends.Count; i++)
            {
                var backend = service.Backends[i];
                Assert.Contains(backend, Found(backend.Endpoint.ToString().ToUpperInvariant(), service));
                Assert.Equal(new[] { backend }, Found($"{i + 1}", service));
            }
        });

    [Property]
    public void A_backend_that_drains_is_found_by_its_address_beside_one_that_was_added_again(Scenario scenario) =>
        Life.Of(scenario, o => Assert.All(o.After.State.InOrder[0].InOrder, backend => Assert.Equal(
            o.After.State.InOrder[0].InOrder.Filter(b => b.Endpoint == backend.Endpoint),
            Found(backend.Endpoint.ToString(), o.After.State.InOrder[0]))));

    [Property]
    public void A_host_alone_is_enough_exactly_where_one_backend_has_it(Scenario scenario) =>
        Life.Of(scenario, o =>
        {
            var service = o.After.State.InOrder[0];
            foreach (var backend in service.InOrder)
            {
                var same = service.InOrder.Filter(b => b.Endpoint.Host == backend.Endpoint.Host);
                Assert.Equal(same.Count == 1 ? same : Arr<BackendState>.Empty,
                    Found(backend.Endpoint.Host.ToUrlText(), service));
            }
        });

    [Property]
    public void A_number_that_no_backend_has_is_answered_with_the_list(Service service, byte beyond)
    {
        var state = ControlMachine.Start(Configs.Of(service), Life.Birth).State.InOrder[0];

        foreach (var number in new[] { 0, service.Backends.Count + 1, service.Backends.Count + 2 + beyond })
        {
            var problem = Problem($"{number}", state);
            Assert.Equal("unknown_backend", problem.Code);
            Assert.Contains($"1: {service.Backends[0]}", problem.WhyLikely, StringComparison.Ordinal);
        }
    }

    [Property]
    public void A_slip_of_one_character_is_answered_with_the_backend_that_was_meant(Tuning tuning)
    {
        var meant = Configs.Named("db.internal", 5_432);
        var state = ControlMachine.Start(
            Configs.Of(Configs.Service(tuning, Configs.At("10.0.0.1", 80), meant)), Life.Birth).State.InOrder[0];

        Assert.Contains(
            "did you mean db.internal:5432?", Problem("db.intrenal:5432", state).DoThisNow, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "did you mean", Problem("elsewhere.example:1", state).DoThisNow, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', Problem("a\nb", state).WhatHappened);
    }

    private static Arr<BackendState> Found(string word, ServiceState service) =>
        BackendLookup.Find(word, service).IfLeft(Arr<BackendState>.Empty);

    private static Problem Problem(string word, ServiceState service) =>
        BackendLookup.Find(word, service).Match(Right: _ => throw new InvalidOperationException(), Left: p => p);
}
