using Bal.Domain.Messages;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>
/// A YAML document as it was written, with positions and nothing decided: what a reader hands to
/// <see cref="ConfigValidation"/>. Aliases have been expanded or refused, tags dropped.
/// </summary>
public abstract record RawNode
{
    private RawNode(SourcePosition at) => At = at;

    /// <summary>Where the node starts.</summary>
    public SourcePosition At { get; }

    /// <summary>A scalar.</summary>
    public sealed record Scalar : RawNode
    {
        /// <summary>Creates a scalar.</summary>
        public Scalar(SourcePosition at, string text, bool quoted) : base(at) => (Text, Quoted) = (text, quoted);

        /// <summary>The text, with quotes and escapes undone.</summary>
        public string Text { get; }

        /// <summary>Whether it was quoted, and thus is a string whatever it looks like.</summary>
        public bool Quoted { get; }
    }

    /// <summary>A sequence.</summary>
    public sealed record Sequence : RawNode
    {
        /// <summary>Creates a sequence.</summary>
        public Sequence(SourcePosition at, Arr<RawNode> items) : base(at) => Items = items;

        /// <summary>The items in order.</summary>
        public Arr<RawNode> Items { get; }
    }

    /// <summary>A mapping, in which keys may still repeat or be no scalars.</summary>
    public sealed record Mapping : RawNode
    {
        /// <summary>Creates a mapping.</summary>
        public Mapping(SourcePosition at, Arr<RawEntry> entries) : base(at) => Entries = entries;

        /// <summary>The entries in the order of the file.</summary>
        public Arr<RawEntry> Entries { get; }
    }

    /// <summary>Applies the function of the case that this node is.</summary>
    public T Match<T>(Func<Scalar, T> scalar, Func<Sequence, T> sequence, Func<Mapping, T> mapping) => this switch
    {
        Scalar s => scalar(s),
        Sequence s => sequence(s),
        Mapping m => mapping(m),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}

/// <summary>One entry of a mapping as written.</summary>
/// <param name="Key">Any node: validation refuses a key that is not a scalar.</param>
/// <param name="Value">The value.</param>
public sealed record RawEntry(RawNode Key, RawNode Value);
