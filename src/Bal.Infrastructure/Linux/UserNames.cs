using System.Globalization;
using System.Text;
using LanguageExt;

namespace Bal.Infrastructure.Linux;

/// <summary>
/// The names of users as /etc/passwd has them. The directory services that getpwuid(3) may ask take time that the
/// supervisor does not have.
/// </summary>
internal static class UserNames
{
    private const int MaxBytes = 4 << 20;

    /// <summary>The name of a user; none where the file does not say.</summary>
    public static Option<string> Of(uint user) => RegularFile.Read("/etc/passwd", MaxBytes).Match(
        Right: bytes => Among(Encoding.UTF8.GetString(bytes), user),
        Left: _ => Option<string>.None);

    private static Option<string> Among(string file, uint user)
    {
        var wanted = user.ToString(CultureInfo.InvariantCulture);
        foreach (var line in file.AsSpan().EnumerateLines())
        {
            // name:password:uid:gid:...
            var name = line.IndexOf(':');
            var password = name < 0 ? -1 : line[(name + 1)..].IndexOf(':');
            if (password < 0)
                continue;
            var rest = line[(name + password + 2)..];
            if (rest.StartsWith(wanted, StringComparison.Ordinal) && rest.Length > wanted.Length
                && rest[wanted.Length] == ':' && name > 0)
                return line[..name].ToString();
        }

        return Option<string>.None;
    }
}
