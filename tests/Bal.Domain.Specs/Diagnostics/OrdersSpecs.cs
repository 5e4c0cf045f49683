using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using Bal.Domain.Reports;
using Bal.Domain.Specs.Control;
using Bal.Domain.Specs.Generators;
using LanguageExt;

namespace Bal.Domain.Specs.Diagnostics;

/// <summary>What an operator may type, and what is answered.</summary>
public class OrdersSpecs
{
    private static readonly ControlState State = Life.At(Life.Birth, Configs.Of(
        Configs.Service(Tuning.For(2), Configs.Pool[0], Configs.Pool[1]) with { Name = "web" },
        Configs.Service(Tuning.For(2), Configs.Pool[0], Configs.Pool[2]) with
        {
            Name = "cache",
            Listener = new(new Host.Address(System.Net.IPAddress.Any), 9_296),
        }));

    [Theory]
    [InlineData("web/10.0.0.1:9001", 1)]
    [InlineData("web/1", 1)]
    [InlineData("10.0.0.2:9001", 2)]
    [InlineData("cache/2", 4)]
    [InlineData("10.0.0.2:9002", 4)]
    public void A_backend_is_named_as_in_status_and_explain(string word, int id) => Assert.Equal(
        new OperatorOrder.Enable(new(id)),
        Orders.Of(new OrderRequest(OrderKind.Enable, word), State).Match(
            Right: order => order.Single(), Left: problem => throw new Xunit.Sdk.XunitException(problem.ToText())));

    [Theory]
    [InlineData("10.0.0.1:9001", "web/10.0.0.1:9001, cache/10.0.0.1:9001")]
    [InlineData("web/10.0.0.9:1", "10.0.0.1:9001, 10.0.0.2:9001")]
    [InlineData("1", "web/10.0.0.1:9001, cache/10.0.0.1:9001")]
    [InlineData("web", "web/10.0.0.1:9001, web/10.0.0.2:9001")]
    [InlineData("nobody/1", "web, cache")]
    public void What_names_no_backend_or_several_is_one_error_that_lists_them(string word, string listed)
    {
        var problem = Problem(new OrderRequest(OrderKind.Drain, word), State);

        Assert.Contains(listed, problem.WhyLikely, StringComparison.Ordinal);
        Assert.NotEmpty(problem.DoThisNow);
    }

    [Fact]
    public void An_answer_says_before_and_after()
    {
        var request = new OrderRequest(OrderKind.Weight, "web/1") { Weight = 5 };
        var order = Orders.Of(request, State).Match(Right: found => found.Single(), Left: _ => null!);
        var after = State.Then(Life.Birth, new ControlEvent.Ordered(order, new Operator("alice", 7, 0)));

        var report = Orders.Report(request, State, after, Traffic.None, Life.Birth);

        var backend = Assert.Single(report.Backends);
        Assert.Equal("in use, weight 1 (as configured)", backend.Before.ToString());
        Assert.Equal("in use, weight 5 (by alice since 1970-01-01 00:00:00Z)", backend.After.ToString());
    }

    private static Problem Problem(OrderRequest request, ControlState state) => Orders.Of(request, state).Match(
        Right: _ => throw new Xunit.Sdk.XunitException("it names one"), Left: problem => problem);
}
