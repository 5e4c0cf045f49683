namespace Bal.KernelLab.Integrity;

/// <summary>How one end of a stream fared.</summary>
internal enum Outcome
{
    Fine,

    /// <summary>The stream ended by a FIN before all bytes had come.</summary>
    Short,

    /// <summary>Bytes that belong elsewhere: reordered or repeated.</summary>
    Wrong,

    /// <summary>More bytes than were sent.</summary>
    Surplus,

    /// <summary>Nothing more came for the time limit.</summary>
    Stalled,

    /// <summary>An RST that nobody sent.</summary>
    Reset,

    /// <summary>A FIN, or nothing, where an RST was sent.</summary>
    ResetLost,

    /// <summary>The sender could go on although nobody read.</summary>
    Unbounded,

    /// <summary>The relay's byte counters differ from what was sent.</summary>
    Miscounted,

    /// <summary>A session that outlived its connections.</summary>
    Leaked,
}
