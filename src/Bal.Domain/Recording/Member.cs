using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>
/// What one member of a JSON object says, or why it says nothing. An Either that can be queried over many members: that of
/// LanguageExt nests a closure of its own type classes for each, which the native compiler gives up at.
/// </summary>
internal sealed class Member<T>
{
    private readonly CodecFault? fault;
    private readonly T value;

    private Member(CodecFault? fault, T value) => (this.fault, this.value) = (fault, value);

    public static implicit operator Member<T>(CodecFault fault) => new(fault, default!);

    public static implicit operator Member<T>(T value) => new(null, value);

    public static implicit operator Either<CodecFault, T>(Member<T> member) => member.fault is { } fault
        ? Either<CodecFault, T>.Left(fault)
        : Either<CodecFault, T>.Right(member.value);

    public static Member<T> Of(T value) => new(null, value);

    public static Member<T> Of(Either<CodecFault, T> read) => read.Match(Right: Of, Left: fault => fault);

    public Member<TOther> Map<TOther>(Func<T, TOther> map) =>
        fault is null ? Member<TOther>.Of(map(value)) : fault;

    public Member<TOther> Bind<TOther>(Func<T, Member<TOther>> next) => fault is null ? next(value) : fault;

    public Member<TOther> Select<TOther>(Func<T, TOther> map) => Map(map);

    public Member<TResult> SelectMany<TOther, TResult>(Func<T, Member<TOther>> next, Func<T, TOther, TResult> both) =>
        Bind(first => next(first).Map(second => both(first, second)));
}
