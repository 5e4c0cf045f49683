using System.Runtime.InteropServices;

namespace Bal.Infrastructure.Linux;

/// <summary>What the effective user may do with a path, asked without changing anything (faccessat(2)).</summary>
internal static partial class AccessCheck
{
    private const int AtFdCwd = -100;
    private const int AtEaccess = 0x200;
    private const int WriteOk = 2;
    private const int SearchOk = 1;

    internal static bool MayWriteFile(string path) => faccessat(AtFdCwd, path, WriteOk, AtEaccess) == 0;

    internal static bool MayCreateIn(string directory) =>
        faccessat(AtFdCwd, directory, WriteOk | SearchOk, AtEaccess) == 0;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int faccessat(int directory, string path, int mode, int flags);
}
