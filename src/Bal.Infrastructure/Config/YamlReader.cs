using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Bal.Infrastructure.Config;

/// <summary>
/// From bytes to one YAML document, in time and memory bounded by <see cref="MaxBytes"/>. It walks the parser's
/// events, so
/// that every node has its position and nothing is built for a document that is refused.
/// </summary>
public static class YamlReader
{
    /// <summary>The largest file that is read: 1 MiB.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>How deep lists and mappings may be nested.</summary>
    public const int MaxDepth = 32;

    /// <summary>How many nodes a document may have in all, the copies made by aliases included.</summary>
    public const int MaxNodes = 200_000;

    private const int LongestName = 60;
    private const int LongestReason = 200;

    /// <summary>Reads the document; a file of comments alone is an empty scalar. Never throws.</summary>
    public static Either<Finding, RawNode> Read(ReadOnlyMemory<byte> bytes) => YamlText.Decode(bytes.Span).Bind(Parse);

    private static Either<Finding, RawNode> Parse(string text)
    {
        try
        {
            return Document(new Parser(new Scanner(new StringReader(text))), new Places(YamlText.EndOf(text)));
        }
        catch (Refused refusal)
        {
            return refusal.Finding;
        }
        catch (YamlException error)
        {
            return SyntaxError(text, error);
        }
        catch (Exception error) when (error is InvalidOperationException or ArgumentException or OverflowException
            or FormatException or IndexOutOfRangeException or NullReferenceException)
        {
            // The parser is known to fail on a few malformed inputs with these instead of with a YamlException.
            return YamlText.Fault("yaml_syntax", SourcePosition.Start, "the file is not valid YAML",
                "start from sample/config.yaml and add your settings one by one");
        }
    }

    private static RawNode Document(Parser parser, Places places)
    {
        parser.Consume<StreamStart>();
        if (parser.TryConsume<StreamEnd>(out _))
            return new RawNode.Scalar(SourcePosition.Start, "", quoted: false);
        parser.Consume<DocumentStart>();
        var root = new TreeBuilder(parser, places).Node(1);
        parser.Consume<DocumentEnd>();
        if (parser.Accept<DocumentStart>(out var second))
            throw new Refused(YamlText.Fault("yaml_multiple_documents", places.Of(second!.Start),
                "a second document starts here; a configuration is one document",
                    "remove the line '---' and what follows it"));
        return root.Value;
    }

    private static Finding SyntaxError(string text, YamlException error)
    {
        var at = new Places(YamlText.EndOf(text)).Of(error.Start);
        // About a tab the parser may blame the start of the whole block, so it is looked for from there on.
        var last = error.Message.Contains("tab", StringComparison.OrdinalIgnoreCase) ? int.MaxValue : at.Line + 1;
        if (YamlText.TabIndentation(text, at.Line - 1, last) is { } tab)
            return YamlText.Fault("yaml_tab", tab, "the line is indented with a tab character",
                "indent with spaces: YAML allows no tabs there");
        var reason = Printable.Short(error.Message.ReplaceLineEndings(" ").Trim().TrimEnd('.'), LongestReason);
        return YamlText.Fault("yaml_syntax", at,
            $"the file is not valid YAML here, at {YamlText.LineAt(text, at.Line)}: {reason}",
            "write 'key: value' with a space after the colon; if this line is right, check indentation, quotes and "
                + "brackets of the one above");
    }

    /// <summary>Places of the parser, which has the end of a text one line or column further than it is.</summary>
    private sealed record Places(SourcePosition End)
    {
        public SourcePosition Of(Mark mark) =>
            mark.Line > End.Line || (mark.Line == End.Line && mark.Column > End.Column)
            ? End
            : new((int)Math.Max(1, mark.Line), (int)Math.Max(1, mark.Column));
    }

    /// <summary>A node with the size of its tree, aliases counted as often as they are used.</summary>
    private sealed record Sized(RawNode Value, int Nodes, int Characters, int Height);

    /// <summary>Leaves the walk with the one finding that ends it; never leaves this class.</summary>
    private sealed class Refused(Finding finding) : Exception
    {
        public Finding Finding { get; } = finding;
    }

    private sealed class TreeBuilder(Parser parser, Places places)
    {
        private readonly Dictionary<string, Sized?> _anchors = [];
        private int _nodes;
        private long _copied;

        public Sized Node(int depth)
        {
            var next = parser.Consume<ParsingEvent>();
            if (next is AnchorAlias alias)
                return Expand(alias, depth);
            if (next is not NodeEvent node)
                throw new YamlException(next.Start, next.End, "a value is missing");
            Count(1, next);
            if (node is SequenceStart or MappingStart && depth > MaxDepth)
                throw TooDeep(next);
            var anchor = node.Anchor.IsEmpty ? null : node.Anchor.Value;
            if (anchor is not null)
                _anchors[anchor] = null;
            var built = node switch
            {
                Scalar scalar => new Sized(new RawNode.Scalar(places.Of(scalar.Start), scalar.Value, IsQuoted(scalar)),
                    1, scalar.Value.Length, 0),
                SequenceStart => Sequence(next, depth),
                _ => Mapping(next, depth),
            };
            if (anchor is not null)
                _anchors[anchor] = built;
            return built;
        }

        private Sized Sequence(ParsingEvent start, int depth)
        {
            var items = new List<Sized>();
            while (!parser.TryConsume<SequenceEnd>(out _))
                items.Add(Node(depth + 1));
            return Over(
                new RawNode.Sequence(places.Of(start.Start), new Arr<RawNode>(items.Select(i => i.Value))), items);
        }

        private Sized Mapping(ParsingEvent start, int depth)
        {
            var parts = new List<Sized>();
            while (!parser.TryConsume<MappingEnd>(out _))
                parts.Add(Node(depth + 1));
            var entries = parts.Chunk(2).Select(pair => new RawEntry(pair[0].Value, pair[1].Value));
            return Over(new RawNode.Mapping(places.Of(start.Start), new Arr<RawEntry>(entries)), parts);
        }

        private static Sized Over(RawNode node, List<Sized> parts) => new(
            node,
            1 + parts.Sum(p => p.Nodes),
            parts.Sum(p => p.Characters),
            1 + parts.Select(p => p.Height).DefaultIfEmpty(0).Max());

        private Sized Expand(AnchorAlias alias, int depth)
        {
            if (!_anchors.TryGetValue(alias.Value.Value, out var target))
                throw new Refused(YamlText.Fault("yaml_unknown_alias", places.Of(alias.Start),
                    $"'*{Printable.Short(alias.Value.Value, LongestName)}' refers to an anchor that does not exist",
                        "quote the text if a plain '*' is meant"));
            if (target is null)
                throw new Refused(YamlText.Fault("yaml_recursive_alias", places.Of(alias.Start),
                    $"'*{Printable.Short(alias.Value.Value, LongestName)}' refers to the node that it is part of",
                        "write the value out"));
            Count(target.Nodes, alias);
            Count(target, alias);
            return depth - 1 + target.Height <= MaxDepth ? target : throw TooDeep(alias);
        }

        private void Count(int more, ParsingEvent at)
        {
            // Each alias stands for a tree that was itself within the bound, so the sum cannot overflow.
            _nodes += more;
            if (_nodes > MaxNodes)
                throw new Refused(YamlText.Fault("yaml_too_many_nodes", places.Of(at.Start),
                    $"the document has more than {MaxNodes} values, counting each use of an alias",
                    "remove the aliases (*name), or check that this is the configuration"));
        }

        // A long text under many names would be looked at as often as it is named.
        private void Count(Sized copy, AnchorAlias at)
        {
            _copied += copy.Characters;
            if (_copied > MaxBytes)
                throw new Refused(YamlText.Fault("yaml_too_much_text", places.Of(at.Start),
                    "the document has more than 1 MiB of text when its aliases are written out",
                    "remove the aliases (*name), or check that this is the configuration"));
        }

        private Refused TooDeep(ParsingEvent at) => new(YamlText.Fault("yaml_too_deep", places.Of(at.Start),
            $"lists and mappings are nested more than {MaxDepth} levels deep",
                "a configuration needs three levels; check the brackets"));

        private static bool IsQuoted(Scalar scalar) => scalar.Style is not (ScalarStyle.Plain or ScalarStyle.Any);
    }
}
