using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Admission;

/// <summary>Which clients one of <c>allow</c> and <c>deny</c> names.</summary>
/// <param name="Given">The networks that the configuration has.</param>
/// <param name="Files">The files that have more, each once, in order.</param>
/// <param name="InFiles">
/// What those files had when they were read; a document does not carry it, whoever takes it over reads them again.
/// </param>
public sealed record AccessList(NetworkSet Given, Arr<string> Files, NetworkSet InFiles)
{
    /// <summary>Not given.</summary>
    public static AccessList None { get; } = new(NetworkSet.Empty, Arr<string>.Empty, NetworkSet.Empty);

    /// <summary>Whether it names whoever comes through a Unix socket, and so has no address.</summary>
    public bool Unix { get; init; }

    /// <summary>Whether it is given; a file without networks gives a list of nobody.</summary>
    public bool IsGiven => !Given.IsEmpty || !Files.IsEmpty || Unix;

    /// <summary>How much it names.</summary>
    public string ToText() =>
        Plural.Of(Given.Ranges + InFiles.Ranges, "range of addresses", "ranges of addresses")
            + (Unix ? " and unix" : "");

    /// <summary>With the paths of its files as <paramref name="absolute"/> makes them.</summary>
    internal AccessList Located(Func<string, string> absolute) =>
        Files.IsEmpty ? this : this with { Files = new(Files.Map(absolute).Distinct()) };

    /// <summary>Whether it names an address of 4 or 16 bytes in network order.</summary>
    public bool Covers(ReadOnlySpan<byte> address) => Given.Covers(address) || InFiles.Covers(address);
}

/// <summary>Who may connect to a service.</summary>
/// <param name="Allow">Nobody else may, where it is given.</param>
/// <param name="Deny">These may not, whatever <paramref name="Allow"/> says.</param>
public sealed record AccessRule(AccessList Allow, AccessList Deny)
{
    /// <summary>Everybody may.</summary>
    public static AccessRule Everybody { get; } = new(AccessList.None, AccessList.None);

    /// <summary>Whether it matters who a client is.</summary>
    public bool Asks => Allow.IsGiven || Deny.IsGiven;

    /// <summary>Whether a client that has come through a Unix socket may connect.</summary>
    public bool AdmitsUnix => !Deny.Unix && (!Allow.IsGiven || Allow.Unix);

    /// <summary>With every path of a file as <paramref name="absolute"/> makes it.</summary>
    public AccessRule Located(Func<string, string> absolute) => new(Allow.Located(absolute), Deny.Located(absolute));

    /// <summary>Whether a client with that address of 4 or 16 bytes may connect.</summary>
    public bool Admits(ReadOnlySpan<byte> address) =>
        !Deny.Covers(address) && (!Allow.IsGiven || Allow.Covers(address));
}
