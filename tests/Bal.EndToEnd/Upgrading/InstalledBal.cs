namespace Bal.EndToEnd.Upgrading;

/// <summary>
/// The program under test at a path of its own, where it can be replaced as an installation replaces it.
/// </summary>
internal sealed class InstalledBal : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("bal-installed-").FullName;

    public InstalledBal()
    {
        var from = System.IO.Path.GetDirectoryName(BalBinary.Path)!;
        // Built without native compilation the program is a host beside its assemblies.
        string[] files = File.Exists(System.IO.Path.Combine(from, "bal.dll"))
            ? Directory.GetFiles(from)
            : [BalBinary.Path, .. Directory.GetFiles(from, "bal-web")];
        foreach (var file in files)
            Copy(file, System.IO.Path.Combine(_directory, System.IO.Path.GetFileName(file)));
        if (BalBinary.Path != Path && !File.Exists(Path))
            File.Move(System.IO.Path.Combine(_directory, System.IO.Path.GetFileName(BalBinary.Path)), Path);
    }

    public string Path => System.IO.Path.Combine(_directory, "bal");

    /// <summary>Replaces it by another file, which takes its place at once.</summary>
    public void Replace(string content)
    {
        var (text, next) = (Path + ".text", Path + ".new");
        File.WriteAllText(text, content);
        File.SetUnixFileMode(text, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Copy(text, next);
        File.Move(next, Path, overwrite: true);
    }

    /// <summary>Replaces it by another copy of the program.</summary>
    public void Renew()
    {
        var next = Path + ".new";
        Copy(BalBinary.Path, next);
        File.Move(next, Path, overwrite: true);
    }

    public void Remove() => File.Delete(Path);

    // By another process: a file that this one has open for writing is inherited for a moment by whatever a test beside
    // this one starts, and as long as that lasts the file cannot be run (ETXTBSY, execve(2)).
    private static void Copy(string from, string to)
    {
        using var copying = System.Diagnostics.Process.Start("cp", ["--preserve=mode", from, to]);
        copying.WaitForExit();
        Assert.Equal(0, copying.ExitCode);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
