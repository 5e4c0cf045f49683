using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Recording;
using LanguageExt;

namespace Bal.Infrastructure.Hosting;

/// <summary>
/// What only bal 0.1.0 wants, so that an upgrade can be taken back. It requires format 1 with every member that it knows and
/// ignores all others, so it would serve without what it does not know; hence format 2, which it refuses, wherever something
/// is in use that came later.
/// </summary>
internal static class Format0_1_0
{
    /// <summary>The format that 0.1.0 reads.</summary>
    public const int Known = 1;

    /// <summary>The format that it refuses.</summary>
    public const int Unknown = 2;

    /// <summary>The format in which a state is handed over.</summary>
    public static int Of(ControlState state) => InUse(state).IsEmpty ? Known : Unknown;

    /// <summary>
    /// The problem with which a process refuses to take over, and, where that is 0.1.0, the keys in use that it does not know;
    /// it can only say that the format is not its own.
    /// </summary>
    public static Problem Explained(Problem refusal, ControlState state)
    {
        var keys = InUse(state);
        return keys.IsEmpty || refusal.Code != "upgrade_not_understood"
            || !refusal.WhatHappened.Contains("its form is", StringComparison.Ordinal)
                ? refusal
                : refusal with
                {
                    WhyLikely = $"the new binary is bal 0.1.0, which does not know what is in use: {string.Join(", ", keys)}",
                    DoThisNow = "remove these from the configuration and run 'bal graceful' first, or run 'bal stop' and "
                        + "'bal start -d' with the new binary, which ends the open connections",
                };
    }

    /// <summary>What is in use that 0.1.0 does not know, as the configuration file names it.</summary>
    private static Arr<string> InUse(ControlState state)
    {
        var services = state.Config.Services;
        var keys = new List<string>();
        if (services.Count != 1 || services[0].Name != Service.DefaultName)
            keys.Add("services");
        if (services.Exists(service => service.Listener.Addresses.Count > 1))
            keys.Add("bind_address (a list)");
        return new(keys.Concat(CanonicalJson.MustKnow(CanonicalJson.State, state)
            .Select(member => member[(member.LastIndexOf('.') + 1)..]).Distinct()));
    }
}
