using Bal.Infrastructure.Linux;

namespace Bal.Infrastructure.Config;

/// <summary>Which file a path means.</summary>
public static class ConfigFile
{
    /// <summary>Whether two absolute paths mean the same file: by device and inode, or by resolved path.</summary>
    public static bool IsSame(string one, string other) =>
        one.Length > 0 && other.Length > 0
        && ((FileFacts.Of(one, follow: true) is { } a && FileFacts.Of(other, follow: true) is { } b && a.IsSameFile(b))
            || Resolved(one) == Resolved(other));

    // A file may be missing at this moment, or lie where this user may not look: then the directory tells.
    private static string Resolved(string path)
    {
        try
        {
            var full = Path.GetFullPath(path);
            if (new FileInfo(full).ResolveLinkTarget(returnFinalTarget: true) is { } target)
                return target.FullName;
            var parent = Path.GetDirectoryName(full);
            return parent is not null
                && new DirectoryInfo(parent).ResolveLinkTarget(returnFinalTarget: true) is { } directory
                    ? Path.Combine(directory.FullName, Path.GetFileName(full))
                    : full;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return path;
        }
    }
}
