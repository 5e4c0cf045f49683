using System.Diagnostics;
using Bal.Domain.Backend;
using Bal.Domain.Control;
using Bal.Domain.Counting;
using Bal.Domain.Recording;
using Bal.Infrastructure.DataPlane;
using Bal.Infrastructure.Hosting;
using Bal.Infrastructure.Linux;
using Bal.Infrastructure.Reacting;
using Bal.Integration.DataPlane;
using LanguageExt;

namespace Bal.Integration.Upgrade;

/// <summary>What is known of the processes that were replaced, with the test at the other end of their link.</summary>
public sealed class ReplacedLinksSpecs
{
    private const int Pid = 4_711;

    [Fact]
    public void A_replaced_process_is_asked_what_it_counts_although_nobody_wants_to_know()
    {
        using var scene = new Scene(60_000);

        scene.Until(() => scene.Asked == 1, "it was asked");
        scene.Say(bytesIn: 10);
        scene.Until(() => scene.Asked == 2, "it was asked again");
        scene.Say(bytesIn: 90);

        scene.Until(() => scene.Known == 90, "its last word is known");
        scene.Other.Dispose();
        scene.Until(() => scene.Links.Count == 0, "it is gone");
        Assert.Equal(90, scene.Known);
    }

    [Fact]
    public void An_answer_to_an_earlier_question_is_none_for_who_asked_later()
    {
        using var scene = new Scene(60_000);
        scene.Until(() => scene.Asked == 1, "it was asked by the clock");
        var known = -1L;

        scene.Links.Refresh(() => known = scene.Known);
        scene.Until(() => scene.Asked == 2, "it was asked again");
        scene.Say(bytesIn: 1);
        scene.Until(() => scene.Known == 1, "the first answer is there");
        Assert.Equal(-1, known);
        scene.Say(bytesIn: 2);

        scene.Until(() => known >= 0, "the second answer is there");
        Assert.Equal(2, known);
    }

    [Fact]
    public void Who_is_gone_or_hangs_is_not_waited_for()
    {
        using var scene = new Scene(50);
        var answers = 0;
        scene.Links.Refresh(() => answers++);
        scene.Until(() => answers == 1, "it was asked for long enough");
        scene.Other.Dispose();
        scene.Until(() => scene.Links.Count == 0, "it is gone");
        scene.Links.Refresh(() => answers++);
        Assert.Equal(2, answers);
    }

    [Fact]
    public void A_reset_is_told_in_a_word_that_the_other_end_understands()
    {
        using var scene = new Scene(60_000);
        var reset = new ControlEffect.Reset(new BackendId(7), TerminationReason.BackendDown);

        scene.Links.TellReset(reset);

        scene.Until(() => scene.Heard.Count > 0, "it is told");
        Assert.Equal(reset, ReplacedLinks.ResetOf(Assert.Single(scene.Heard)));
        // Of what a later version may say.
        Assert.True(ReplacedLinks.ResetOf(new LinkMessage(["reset", "7", "a_reason_to_come"], [])).IsNone);
        Assert.True(ReplacedLinks.ResetOf(new LinkMessage(["reset", "x", "backend_down"], [])).IsNone);
        Assert.True(ReplacedLinks.ResetOf(new LinkMessage(["reset"], [])).IsNone);
    }

    private sealed class Scene : IDisposable
    {
        private readonly Reactor _reactor = new();
        private readonly Plane _plane;

        public Scene(long patienceMs)
        {
            _plane = new Plane(1, LivePlane.Unlimited(1), LivePlane.Counts(), _reactor.Wake, _ => { });
            _plane.Replaced = new Replaced(Traffic.None, 0, Prelude.Array(new ReplacedProcess(
                Pid, "0", _reactor.Now, LivePlane.Counts(), Arr<ServiceSlot>.Empty, Traffic.None)));
            Links = new ReplacedLinks(_reactor, _plane, _ => { }) { Patience = new(patienceMs) };
            var (own, other) = MessageSocket.Pair()!.Value;
            Other = new Link(other);
            Links.Add(Pid, new Link(own), _ => { });
        }

        public ReplacedLinks Links { get; }

        /// <summary>The end of the replaced process.</summary>
        public Link Other { get; }

        /// <summary>What it was told beside that.</summary>
        public List<LinkMessage> Heard { get; } = [];

        /// <summary>How often it was asked so far.</summary>
        public int Asked { get; private set; }

        /// <summary>The bytes that it is known to have counted, also once it is gone.</summary>
        public long Known => _plane.Replaced.Plus(Traffic.None).Backends.Sum(b => b.BytesIn);

        public void Say(long bytesIn)
        {
            var traffic = Traffic.None with { Backends = Prelude.Array(new BackendTraffic(new(1), 0, 1, bytesIn, 0)) };
            Assert.True(Other.SendDocument("report", CanonicalJson.Bytes(TrafficCodec.Traffic, traffic)));
        }

        public void Until(Func<bool> condition, string what)
        {
            var clock = Stopwatch.StartNew();
            while (!condition())
            {
                Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"not within 20 s: {what}");
                _ = _reactor.Next(_reactor.Now.Plus(new Duration(5)));
                Listen();
            }
        }

        public void Dispose()
        {
            Links.Dispose();
            Other.Dispose();
            _plane.Dispose();
            _reactor.Dispose();
        }

        private void Listen()
        {
            while (Other.Receive() is { IsSome: true } received)
            {
                var message = (LinkMessage)received;
                if (message.Word == LinkMessage.Closed)
                    break;
                if (message.Word == "report")
                    Asked++;
                else
                    Heard.Add(message);
            }
        }
    }
}
