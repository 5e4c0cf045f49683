using System.Net;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Reports;
using Bal.Domain.Specs.Generators;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Diagnostics;

/// <summary>What <c>bal sessions</c> lists, and which connections it ends.</summary>
public class SessionsSpecs
{
    private static readonly ControlState State = ControlMachine.Start(
        Configs.Of(Configs.Service(Domain.Config.Tuning.For(2), Configs.At("10.0.0.1", 80), Configs.Named("db", 81))),
        Domain.Primitives.Instant.Zero).State;

    [Property]
    public Property The_first_of_several_parts_are_the_first_of_all(byte order, PositiveInt most) =>
        Prop.ForAll(Sessions.ListOf().ListOf().ToArbitrary(), parts =>
        {
            var sort = SessionSort.All[order % SessionSort.All.Count];
            var all = parts.SelectMany(part => part).ToArray();
            // Each loop or process hands over only its own first ones.
            var merged = SessionsReport.Merge(sort, most.Get, new Arr<SessionsReport>(parts.Select(part =>
                SessionsReport.Merge(
                    sort, most.Get, Prelude.Array(new SessionsReport(new Arr<OpenSession>(part), part.Count))))));

            return merged.Total == all.Length
                && merged.Sessions.Map(s => s.Rank(sort)).SequenceEqual(
                    all.Select(s => s.Rank(sort)).OrderDescending().Take(most.Get));
        });

    [Fact]
    public void Each_order_begins_with_what_its_word_says()
    {
        var young = new OpenSession("a", SessionStates.Relaying, 1, default)
        {
            DurationMs = 1,
            IdleMs = 1,
            BytesIn = 5,
        };
        var old = young with { DurationMs = 9, IdleMs = 0, BytesIn = 0, BytesOut = 6 };
        var silent = young with { DurationMs = 5, IdleMs = 4, BytesIn = 1 };
        OpenSession First(SessionSort sort) => SessionsReport
            .Merge(sort, 1, Prelude.Array(new SessionsReport(Prelude.Array(young, old, silent), 3))).Sessions[0];

        Assert.Equal(young, First(SessionSort.Recent));
        Assert.Equal(old, First(SessionSort.Bytes));
        Assert.Equal(old, First(SessionSort.Duration));
        Assert.Equal(silent, First(SessionSort.Idle));
        Assert.All(SessionSort.All, sort => Assert.Equal(sort, SessionSort.Of(sort.Word)));
        Assert.True(SessionSort.Of("size").IsNone);
    }

    [Theory]
    [InlineData("10.0.0.1", 0, "10.0.0.1", true)]
    [InlineData("10.0.0.1", 1, "10.0.0.2", false)]
    [InlineData("10.0.0.0/24", 0, "10.0.0.200", true)]
    [InlineData("10.0.0.0/24", 0, "10.0.1.200", false)]
    [InlineData("10.0.0.0/24", 0, "::ffff:10.0.0.7", true)]
    [InlineData("2001:db8::/32", 0, "2001:db8:1::1", true)]
    [InlineData("::/0", 0, "10.0.0.1", false)]
    [InlineData("10.0.0.1:80", 1, "10.0.0.9", true)]
    [InlineData("10.0.0.1:80", 2, "10.0.0.9", false)]
    [InlineData("default/10.0.0.1:80", 1, "10.0.0.9", true)]
    [InlineData("2", 2, "10.0.0.9", true)]
    [InlineData("db", 2, "10.0.0.9", true)]
    [InlineData("db", 0, "10.0.0.9", false)]
    public void A_word_means_clients_or_a_backend(string word, int backend, string client, bool meant)
    {
        var choice = SessionChoice.Read(word, State).Match(Right: c => c, Left: p => throw new Xunit.Sdk.XunitException(
            p.ToText()));

        Assert.Equal(meant, choice.Means(backend, IPAddress.Parse(client).GetAddressBytes()));
        // Another process understands it likewise.
        Assert.Equal(choice, SessionChoice.Parse(choice.ToText()).IfNone(SessionChoice.Of(new BackendId(99))));
    }

    [Theory]
    [InlineData("10.0.0.1/8", "invalid_network")]
    [InlineData("10.0.0.0/33", "invalid_network")]
    [InlineData("default", "not_a_backend")]
    [InlineData("10.0.0.9:80", "unknown_backend")]
    [InlineData("7", "unknown_backend")]
    public void A_word_that_means_nothing_is_a_problem(string word, string code) =>
        Assert.Equal(code, SessionChoice.Read(word, State).Match(Right: _ => "", Left: problem => problem.Code));

    [Fact]
    public void A_client_that_is_not_known_is_in_no_network() => Assert.False(
        SessionChoice.Read("0.0.0.0/0", State).Match(Right: c => c.Means(1, []), Left: _ => true));

    [Fact]
    public void The_text_has_a_line_for_each_connection_and_says_how_many_there_are()
    {
        var one = new OpenSession("default", SessionStates.Relaying, 7, default)
        {
            Client = "10.0.0.9:1234",
            Backend = "10.0.0.1:80",
            DurationMs = 62_000,
            IdleMs = 500,
            BytesIn = 1_536,
        };

        Assert.Equal(
            "CLIENT         SERVICE  BACKEND      BACKEND_SOURCE  STATE     OPEN       IDLE    IN       OUT\n"
            + "10.0.0.9:1234  default  10.0.0.1:80  -               relaying  1 min 2 s  500 ms  1.5 KiB  0 B\n"
            + "open: 3 (1 shown)\n",
            SessionsText.Of(new(Prelude.Array(one), 3)));
        Assert.Equal("open: 0\n", SessionsText.Of(SessionsReport.None));
    }

    private static Gen<OpenSession> Sessions =>
        from age in Gen.Choose(0, 50)
        from idle in Gen.Choose(0, 50)
        from bytes in Gen.Choose(0, 50)
        select new OpenSession("default", SessionStates.Relaying, 1, default)
        {
            DurationMs = age,
            IdleMs = idle,
            BytesIn = bytes,
            BytesOut = bytes,
        };
}
