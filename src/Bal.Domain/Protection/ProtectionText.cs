namespace Bal.Domain.Protection;

/// <summary>The stable words of protection mode, as JSON and text show them.</summary>
public static class ProtectionText
{
    /// <summary>The stable name of a reason.</summary>
    public static string Of(ProtectionReason reason) => reason switch
    {
        ProtectionReason.TimeoutOrRefusedStorm => "timeout_or_refused_storm",
        _ => "all_backends_unavailable",
    };
}
