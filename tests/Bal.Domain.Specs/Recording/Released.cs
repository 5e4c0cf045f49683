using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Bal.Domain.Specs.Recording;

/// <summary>What released versions have written (tests/Fixtures/README.md).</summary>
internal static class Released
{
    private static readonly string Root = Path.GetFullPath(Path.Combine(Here(), "..", "..", "Fixtures"));

    public static TheoryData<string> Files(string folder, string ending) => new(
        Directory.EnumerateFiles(Root, $"*{ending}", SearchOption.AllDirectories)
            .Where(path => Path.GetFileName(Path.GetDirectoryName(path)) == folder)
            .Select(path => Path.GetRelativePath(Root, path))
            .Order(StringComparer.Ordinal));

    public static string VersionOf(string file) => file.Split('/')[0];

    public static byte[] Bytes(string file) => File.ReadAllBytes(Path.Combine(Root, file));

    public static JsonElement Json(string file) => JsonDocument.Parse(Bytes(file)).RootElement;

    public static IEnumerable<byte[]> Lines(string file)
    {
        var bytes = Bytes(file);
        for (var at = 0; at < bytes.Length;)
        {
            var end = System.Array.IndexOf(bytes, (byte)'\n', at) + 1;
            yield return bytes[at..end];
            at = end;
        }
    }

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
