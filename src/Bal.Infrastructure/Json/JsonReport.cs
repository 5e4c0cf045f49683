using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Bal.Domain.Recording;
using LanguageExt;

namespace Bal.Infrastructure.Json;

/// <summary>The form that every report of bal has: one indented object that ends in a newline.</summary>
internal static class JsonReport
{
    // Paths and quotes stay readable: the text goes to terminals and monitors, never into HTML.
    internal static readonly JsonWriterOptions Form = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>A whole report in its form, indented, with a newline at the end.</summary>
    public static byte[] Write<T>(Codec<T> form, T report)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Form))
            form.Write(Walk.Writing(json), report);
        buffer.WriteByte((byte)'\n');
        return buffer.ToArray();
    }

    /// <summary>The object with the members that <paramref name="members"/> writes.</summary>
    public static byte[] Write(Action<Utf8JsonWriter> members)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Form))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        buffer.WriteByte((byte)'\n');
        return buffer.ToArray();
    }

    /// <summary>The member <c>config_path</c>: null where there is no file.</summary>
    public static void WriteConfigPath(Utf8JsonWriter json, string path) =>
        json.WriteString("config_path", path.Length > 0 ? path : null);

    /// <summary>A time as RFC 3339 in UTC, to the millisecond; null where there is none.</summary>
    public static void WriteTime(Utf8JsonWriter json, string name, Option<DateTimeOffset> time) => time.Match(
        Some: t => json.WriteString(
            name, t.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)),
        None: () => json.WriteNull(name));

    /// <summary>The same as text.</summary>
    public static string Text(Action<Utf8JsonWriter> members) => Encoding.UTF8.GetString(Write(members));
}
