namespace Bal.Domain.Reports;

/// <summary>What the rows of <c>bal top</c> are sorted by.</summary>
public enum TopSort
{
    /// <summary>As the configuration lists them.</summary>
    Name,

    /// <summary>The worst state first.</summary>
    State,

    /// <summary>The most open connections first.</summary>
    Connections,

    /// <summary>The most bytes a second first.</summary>
    Traffic,
}

/// <summary>What a person at <c>bal top</c> has chosen by keys.</summary>
/// <param name="Sort">The order of the rows.</param>
/// <param name="Filter">Only rows that contain this are shown.</param>
/// <param name="Typing">Whether keys belong to the filter.</param>
/// <param name="Over">Whether it is to end.</param>
public sealed record TopView(TopSort Sort, string Filter, bool Typing, bool Over)
{
    private const int MostOfFilter = 64;
    private const char Interrupt = '\u0003';
    private const char Escape = '\u001b';
    private const char Backspace = '\u007f';

    /// <summary>The first one.</summary>
    public static TopView Start { get; } = new(TopSort.Name, "", Typing: false, Over: false);

    /// <summary>
    /// After a key: <c>s</c> the next order, <c>/</c> a filter until Enter, Escape without one, <c>q</c> the end.
    /// </summary>
    public TopView Press(char key) => (Typing, key) switch
    {
        (_, Interrupt) => this with { Over = true },
        (_, Escape) => this with { Typing = false, Filter = "" },
        (true, '\r' or '\n') => this with { Typing = false },
        (true, Backspace or '\b') => this with { Filter = Filter.Length > 0 ? Filter[..^1] : "" },
        (true, _) => char.IsControl(key) || Filter.Length >= MostOfFilter ? this : this with { Filter = Filter + key },
        (_, 'q') => this with { Over = true },
        (_, 's') => this with { Sort = (TopSort)(((int)Sort + 1) % Enum.GetValues<TopSort>().Length) },
        (_, '/') => this with { Typing = true, Filter = "" },
        _ => this,
    };
}
