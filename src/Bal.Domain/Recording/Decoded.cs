using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>
/// What a JSON value says, or why it says nothing. An Either that can be queried over many members; that of LanguageExt is
/// compiled natively in full for each type of number or list that it holds, which made the binary half as large again.
/// </summary>
internal sealed class Decoded<T>
{
    private readonly CodecFault? fault;
    private readonly T value;

    private Decoded(CodecFault? fault, T value) => (this.fault, this.value) = (fault, value);

    public static implicit operator Decoded<T>(CodecFault fault) => new(fault, default!);

    public static implicit operator Decoded<T>(T value) => new(null, value);

    public static Decoded<T> Of(T value) => new(null, value);

    /// <summary>The value; a fault where there is none.</summary>
    public static Decoded<T> Of(Option<T> value, string reason) =>
        value.Match(Of, () => new CodecFault("", reason));

    public TResult Match<TResult>(Func<T, TResult> good, Func<CodecFault, TResult> bad) =>
        fault is null ? good(value) : bad(fault);

    public Decoded<TOther> Map<TOther>(Func<T, TOther> map) =>
        fault is null ? Decoded<TOther>.Of(map(value)) : fault;

    public Decoded<TOther> Bind<TOther>(Func<T, Decoded<TOther>> next) => fault is null ? next(value) : fault;

    /// <summary>The same, as a member of that name.</summary>
    public Decoded<T> Under(string name) => fault is null ? this : fault.Under(name);

    public Decoded<TOther> Select<TOther>(Func<T, TOther> map) => Map(map);

    public Decoded<TResult> SelectMany<TOther, TResult>(Func<T, Decoded<TOther>> next, Func<T, TOther, TResult> both) =>
        Bind(first => next(first).Map(second => both(first, second)));
}
