using System.Text.RegularExpressions;

namespace Bal.Integration.Documentation;

/// <summary>
/// Within a project the folders depend on each other in one direction, so that one can be read, and changed, without
/// those that use it. Files directly in a project's folder compose the others and belong to no room.
/// </summary>
public sealed partial class RoomsTests
{
    public static TheoryData<string> Projects() =>
        new(Directory.EnumerateDirectories(Repository.At("src")).Select(folder => Path.GetFileName(folder)).Order());

    [Theory]
    [MemberData(nameof(Projects))]
    public void The_folders_of_a_project_form_no_circle(string project)
    {
        var circle = CircleIn(UsesOf(Repository.Sources("src", project).Select(Read), project));

        Assert.True(circle.Count == 0, $"the folders of {project} form a circle:{Told(circle)}");
    }

    [Fact]
    public void A_circle_is_found_and_spelled_out()
    {
        Source[] sources =
        [
            new("a.cs", "using Bal.X.B;\nnamespace Bal.X.A;"),
            new("b.cs", "namespace Bal.X.B.Deeper;\nclass B { Bal.X.C.Thing thing; }"),
            new("c.cs", "using static Bal.X.A.Words;\nusing System;\nnamespace Bal.X.C;"),
            new("d.cs", "// as in Bal.X.D.D\nusing Bal.X.A;\nnamespace Bal.X.D;"),
        ];

        Assert.Equal(["A uses B (a.cs)", "B uses C (b.cs)", "C uses A (c.cs)"],
            CircleIn(UsesOf(sources, "Bal.X")).Select(use => use.ToString()));
        Assert.Empty(CircleIn(UsesOf(sources.Take(2), "Bal.X")));
    }

    private static Source Read(string path) =>
        new(Path.GetRelativePath(Repository.Root(), path), File.ReadAllText(path));

    private static List<Use> UsesOf(IEnumerable<Source> sources, string project) =>
        [.. sources.OrderBy(source => source.Path, StringComparer.Ordinal)
            .SelectMany(source => UsesOf(source, project)).DistinctBy(use => (use.From, use.To))];

    private static IEnumerable<Use> UsesOf(Source source, string project)
    {
        var code = Comment().Replace(source.Text, "");
        var room = Declared().Match(code) is { Success: true } declared
            ? RoomOf(declared.Groups[1].Value, project) : "";
        return room.Length == 0
            ? []
            : from Match name in Qualified().Matches(code)
              let used = RoomOf(name.Value, project)
              where used.Length > 0 && used != room
              select new Use(room, used, source.Path);
    }

    // Bal.Domain.Control.Something is in the room Control of Bal.Domain; what is in Bal.Domain itself is in none.
    private static string RoomOf(string name, string project) =>
        name.StartsWith(project + ".", StringComparison.Ordinal) ? name[(project.Length + 1)..].Split('.')[0] : "";

    private static List<Use> CircleIn(List<Use> uses)
    {
        var done = new HashSet<string>();
        return uses.Select(use => Walk(use.From, [])).FirstOrDefault(circle => circle.Count > 0) ?? [];

        List<Use> Walk(string room, List<Use> path)
        {
            var begin = path.FindIndex(use => use.From == room);
            if (begin >= 0)
                return path[begin..];
            if (done.Contains(room))
                return [];
            foreach (var use in uses.Where(use => use.From == room))
            {
                if (Walk(use.To, [.. path, use]) is { Count: > 0 } circle)
                    return circle;
            }

            done.Add(room);
            return [];
        }
    }

    private static string Told(List<Use> circle) => string.Concat(circle.Select(use => $"\n  {use}"));

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Declared();

    [GeneratedRegex(@"\bBal(\.[A-Z]\w*)+")]
    private static partial Regex Qualified();

    [GeneratedRegex(@"//.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();

    private sealed record Source(string Path, string Text);

    private sealed record Use(string From, string To, string File)
    {
        public override string ToString() => $"{From} uses {To} ({File})";
    }
}
