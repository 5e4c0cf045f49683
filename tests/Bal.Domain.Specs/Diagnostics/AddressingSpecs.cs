using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using Bal.Domain.Specs.Control;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Diagnostics;

/// <summary>Which service or backend an operator means by a word.</summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs), typeof(Scenarios)])]
public class AddressingSpecs
{
    [Property]
    public void A_service_is_found_by_its_name_one_that_serves_first(Scenario scenario) => Life.Of(scenario, o =>
        Assert.All(o.After.State.InOrder, service =>
        {
            var found = Target(service.Config.Name, o.After.State);
            Assert.True(found.Backend.IsNone);
            Assert.Equal(
                o.After.State.ServiceNamed(service.Config.Name).Map(s => s.Id)
                    .IfNone(found.Service.Id), found.Service.Id);
        }));

    [Property]
    public void A_backend_is_found_by_service_and_address_in_any_case_and_by_its_number(Scenario scenario) =>
        Life.Of(scenario, o =>
        {
            foreach (var service in o.After.State.InOrder.Filter(s => !s.Removed))
            {
                foreach (var (i, backend) in service.InOrder.Map((i, b) => (i, b)))
                {
                    var expected = new Target(service, backend);
                    Assert.Equal(expected, Target(
                        $"{service.Config.Name}/{backend.Endpoint.ToString().ToUpperInvariant()}", o.After.State));
                    if (!backend.Draining)
                        Assert.Equal(expected, Target($"{service.Config.Name}/{i + 1}", o.After.State));
                }
            }
        });

    [Property]
    public void A_backend_alone_is_enough_exactly_where_one_service_has_it_and_else_all_are_listed(Scenario scenario) =>
        Life.Of(scenario, o =>
        {
            foreach (var same in o.After.State.Backends().GroupBy(b => b.Endpoint))
            {
                var found = Addressing.Find(same.Key.ToString(), o.After.State);
                if (same.Count() == 1)
                    Assert.Equal(same, found.Match(Right: t => t.Backend.ToArray(), Left: _ => []));
                else
                    Assert.All(same, b => Assert.Contains(
                        $"{o.After.State.ServiceOf(b.Id.Value).Config.Name}/{b.Endpoint}", Problem(found).WhyLikely,
                        StringComparison.Ordinal));
            }
        });

    [Property]
    public void A_host_alone_is_enough_exactly_where_one_backend_has_it(Scenario scenario) => Life.Of(scenario, o =>
    {
        foreach (var same in o.After.State.Backends().GroupBy(b => b.Endpoint.Host))
        {
            var found = Addressing.Find(same.Key.ToUrlText(), o.After.State);
            Assert.Equal(same.Count() == 1, found.IsRight);
            found.IfLeft(problem => Assert.Equal("ambiguous_backend", problem.Code));
        }
    });

    [Property]
    public void A_number_that_no_backend_has_is_answered_with_the_list(Service service, byte beyond)
    {
        var state = ControlMachine.Start(Configs.Of(service), Life.Birth).State;

        foreach (var number in new[] { 0, service.Backends.Count + 1, service.Backends.Count + 2 + beyond })
        {
            var problem = Problem(Addressing.Find($"{number}", state));
            Assert.Equal("unknown_backend", problem.Code);
            Assert.Contains($"{service.Backends[0]}", problem.WhyLikely, StringComparison.Ordinal);
        }
    }

    [Property]
    public void A_slip_of_one_character_is_answered_with_what_was_meant(Tuning tuning)
    {
        var meant = Configs.Named("db.internal", 5_432);
        var one = Configs.Service(tuning, Configs.At("10.0.0.1", 80), meant);
        var state = ControlMachine.Start(Configs.Of(one), Life.Birth).State;
        var two = ControlMachine.Start(
            Configs.Of(one with { Name = "orders" }, Fleets.At(1, one) with { Name = "cache" }), Life.Birth).State;

        Assert.Contains(
            "did you mean db.internal:5432?", Problem(
                Addressing.Find("db.intrenal:5432", state)).DoThisNow, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "did you mean", Problem(Addressing.Find("elsewhere.example:1", state)).DoThisNow, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', Problem(Addressing.Find("a\nb", state)).WhatHappened);
        Assert.Contains(
            "did you mean orders?", Problem(Addressing.Find("order/1", two)).DoThisNow, StringComparison.Ordinal);
        Assert.Contains(
            "did you mean cache?", Problem(Addressing.Find("cahce", two)).DoThisNow, StringComparison.Ordinal);
        // A backend of the other service is named, and not one that is merely spelled alike.
        var apart = ControlMachine.Start(
            Configs.Of(
                one with { Name = "orders" },
                Fleets.At(1, Configs.Service(tuning, Configs.At("10.0.0.9", 80))) with { Name = "cache" }),
            Life.Birth).State;
        Assert.Equal(
            "did you mean cache/10.0.0.9:80?", Problem(Addressing.Find("orders/10.0.0.9:80", apart)).DoThisNow);
    }

    [Property]
    public void A_report_is_narrowed_to_what_the_word_names_in_the_state(Scenario scenario) => Life.Of(scenario, o =>
    {
        var report = StatusReports.Of(
            new(4711, "config.yaml", "0.2.0", Instant.Zero), Traffic.None, new(o.Now, DateTimeOffset.UnixEpoch),
            o.After.State);
        foreach (var service in o.After.State.InOrder.Filter(s => !s.Removed))
        {
            var part = Narrowed(service.Config.Name, report);
            Assert.Equal(Assert.Single(report.Serving.Filter(s => s.Name == service.Config.Name)), part.Services[0]);
            Assert.Equal(part.Services[0].Level, Assert.Single(part.Services).Level);
            Assert.All(part.Backends, b => Assert.Equal(service.Config.Name, b.Service));
            foreach (var backend in service.InOrder)
            {
                var one = Narrowed($"{service.Config.Name}/{backend.Endpoint}", report);
                Assert.Equal($"{backend.Endpoint}", Assert.Single(one.Backends).Address);
                Assert.Equal(backend.Draining ? 0 : 1, one.BackendTotal);
                Assert.Equal(one.Backends[0].Reachable ? 1 : 0, one.BackendReachable);
            }
        }

        Assert.Equal(
            Problem(Addressing.Find("no-such-thing", o.After.State)),
            Addressing.Narrow("no-such-thing", report).Match(Right: _ => null!, Left: p => p));
    });

    private static StatusReport Narrowed(string word, StatusReport report) => Addressing.Narrow(word, report)
        .Match(Right: part => part, Left: p => throw new InvalidOperationException(p.WhatHappened));

    private static Target Target(string word, ControlState state) =>
        Addressing.Find(word, state)
            .Match(Right: t => t, Left: p => throw new InvalidOperationException(p.WhatHappened));

    private static Problem Problem(Either<Problem, Target> found) =>
        found.Match(Right: _ => throw new InvalidOperationException(), Left: p => p);
}
