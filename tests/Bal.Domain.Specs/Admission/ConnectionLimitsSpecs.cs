using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Admission;

/// <summary>The connection limit in force is never above what file descriptors allow.</summary>
[Properties(Arbitrary = [typeof(Values), typeof(Configs)])]
public class ConnectionLimitsSpecs
{
    [Property]
    public void No_service_has_a_limit_above_what_descriptors_allow_or_above_the_configured_one(
        BalConfig config, ushort descriptors, byte loops)
    {
        var limits = Limits(config, descriptors, loops);

        var inForce = limits.InForce(config);

        foreach (var (service, before) in inForce.Services.Zip(config.Services))
        {
            var wanted = before.Tuning.MaxConcurrentConnections;
            Assert.Equal(Math.Min(wanted, limits.Allowed), service.Tuning.MaxConcurrentConnections);
            Assert.Equal(wanted, service.Tuning.WantedConnections);
            Assert.Equal(wanted > limits.Allowed, service.Tuning.ConfiguredConnections.IsSome);
        }
    }

    [Property]
    public void With_other_descriptors_it_starts_from_what_is_configured(
        BalConfig config, ushort before, ushort after, byte loops)
    {
        var once = Limits(config, before, loops).InForce(config);

        Assert.Equal(
            Limits(config, after, loops).InForce(config), Limits(once, after, loops).InForce(once));
    }

    [Property]
    public void With_the_descriptors_that_are_needed_every_service_has_what_it_wants(BalConfig config, byte loops)
    {
        var needed = Limits(config, 0, loops).Needed;
        var limits = ConnectionLimits.Of(config, Math.Max(needed, 512), 1 + loops % 16);

        Assert.True(limits.Suffices, $"{limits} with {needed}");
        Assert.Equal(config, limits.InForce(config));
    }

    [Property]
    public void More_backends_leave_no_more_connections(BalConfig config, ushort descriptors, byte loops)
    {
        var fewer = config with
        {
            Services = config.Services.Map(s => s with { Backends = LanguageExt.Prelude.Array(s.Backends[0]) }),
        };

        Assert.True(Limits(config, descriptors, loops).Allowed <= Limits(fewer, descriptors, loops).Allowed);
    }

    [Property]
    public void A_limit_that_is_not_the_configured_one_is_said_at_start_and_at_reload(
        BalConfig config, byte loops, Instant now)
    {
        var inForce = Limits(config, 100, loops).InForce(config);
        var limited = inForce.Services.Filter(s => s.Tuning.ConfiguredConnections.IsSome).Count;

        var start = ControlMachine.Start(inForce, now);
        var reload = ControlMachine.Step(
            new ControlEvent.Reloaded(inForce), now, ControlMachine.Start(config, now).State);

        Assert.Equal(limited, Said(start));
        Assert.Equal(limited, Said(reload));
    }

    private static int Said(ControlStep step) =>
        step.Effects.Count(e => e is ControlEffect.Log { Line.Event: "connections_limited" });

    private static ConnectionLimits Limits(BalConfig config, long descriptors, byte loops) =>
        ConnectionLimits.Of(config, descriptors, 1 + loops % 16);
}
