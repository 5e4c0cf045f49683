using Bal.Domain.Relay;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Relay;

/// <summary>Pipes that are used up are said when it begins, once a minute, and when it is over.</summary>
public class PipeShortageSpecs
{
    [Property]
    public void What_is_said_begins_and_ends_in_turn_and_counts_everything((bool? Had, ushort After)[] moments)
    {
        var (state, now) = (PipeShortage.None, 0L);
        var (wanted, told, sinceBegin, isShort, lastShort) = (0L, 0L, 0L, false, -PipeShortage.EveryMs);
        var hadSince = false;
        foreach (var (had, after) in moments)
        {
            now += after;
            var quiet = now - state.LastAt;
            var step = had is null ? state.Tick(now) : had.Value ? state.Had(now) : state.Wanted(now);
            state = step.State;
            hadSince = had is true || (had is null && hadSince);
            (wanted, sinceBegin) = had is false ? (wanted + 1, sinceBegin + 1) : (wanted, sinceBegin);
            if (step.News == PipeNews.Short)
            {
                Assert.True(now - lastShort >= PipeShortage.EveryMs);
                (isShort, lastShort, told) = (true, now, told + step.Times);
            }
            else if (step.News == PipeNews.Over)
            {
                Assert.True(hadSince && isShort && quiet >= PipeShortage.QuietMs);
                Assert.Equal(sinceBegin, step.Times);
                (isShort, sinceBegin, told) = (false, 0, wanted);
            }

            Assert.Equal(wanted, told + state.Unsaid);
            Assert.Equal(isShort, state.IsSaid);
        }
    }

    [Fact]
    public void A_pipe_that_is_had_at_the_limit_is_not_yet_the_end()
    {
        var state = PipeShortage.None.Wanted(100).State;
        Assert.Equal(PipeNews.None, state.Had(100 + PipeShortage.QuietMs - 1).News);
        Assert.Equal(PipeNews.Over, state.Had(100 + PipeShortage.QuietMs).News);
        Assert.Equal(PipeNews.None, PipeShortage.None.Had(100_000).News);
        // Whoever splices wants no other pipe.
        Assert.Equal(PipeNews.Over, state.Had(200).State.Tick(100 + PipeShortage.QuietMs).News);
        Assert.Equal(PipeNews.None, state.Tick(100_000).News);
    }
}
