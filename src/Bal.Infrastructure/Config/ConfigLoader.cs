using Bal.Domain.Config;
using Bal.Domain.Messages;
using Bal.Infrastructure.Linux;
using LanguageExt;

namespace Bal.Infrastructure.Config;

/// <summary>From a path to a configuration, or to every reason why it is none.</summary>
public static class ConfigLoader
{
    /// <summary>
    /// Reads and validates the file at <paramref name="path"/>, which is resolved against the current directory here,
    /// once.
    /// Never throws and never blocks: what cannot be read is a finding.
    /// </summary>
    public static LoadedConfig Load(string path, HostFacts facts)
    {
        var full = path.Length == 0 ? path : Path.GetFullPath(path.Replace("\0", "", StringComparison.Ordinal));
        return new(full, RegularFile.Read(full, YamlReader.MaxBytes).Match(
            Right: bytes => YamlReader.Read(bytes).Match(
                Right: document => Absolute(ConfigValidation.Validate(document, facts), full),
                Left: ConfigOutcome.Unreadable),
            Left: fault => ConfigOutcome.Unreadable(Unreadable(full, fault, "the configuration"))));
    }

    // What a file names lies beside it, from whatever directory it is read.
    private static ConfigOutcome Absolute(ConfigOutcome outcome, string file)
    {
        string Located(string path) => Path.GetFullPath(path, Path.GetDirectoryName(file)!);

        var files = new ListFiles();
        var config = outcome.Config.Map(config => files.FillSecrets(files.Fill(config.Located(Located))));
        return outcome with
        {
            Config = files.Findings.IsEmpty ? config : Option<BalConfig>.None,
            Findings = outcome.Findings.Append(files.Findings),
        };
    }

    /// <summary>As above, with the facts of this machine as they are now.</summary>
    public static LoadedConfig Load(string path) => Load(path, LinuxHostFacts.Gather());

    /// <summary>Why a file could not be read, as a finding without a place.</summary>
    internal static Finding Unreadable(string path, FileFault fault, string what, int most = YamlReader.MaxBytes)
    {
        var (code, message, hint) = fault.Reason switch
        {
            FileFaultReason.Missing => ("file_missing", $"{path} does not exist",
                what == "the configuration" ? "check the path, or copy sample/config.yaml there" : "check the path"),
            FileFaultReason.Directory => ("file_is_directory", $"{path} is a directory, not a file",
                "name the file inside it"),
            FileFaultReason.NotRegular => ("file_not_regular", $"{path} is {fault.Detail}, not a regular file",
                "name a regular file: a reload has to be able to read it again"),
            FileFaultReason.Denied => ("file_denied", $"{path} may not be read by this user ({fault.Detail})",
                $"check the modes with 'namei -l {path}', then chmod or chown the file"),
            FileFaultReason.Changing => ("file_changing", $"{path} changed while it was read",
                "write the new content to another file beside it and rename that over it (mv), then try again"),
            FileFaultReason.TooLarge => ("file_too_large",
                $"{path} has {fault.Detail}: expected at most {most >> 20} MiB",
                $"check that it is {what}: a real one is far smaller"),
            _ => ("file_unreadable", $"{path} could not be read: {fault.Detail}", "check the path and its file system"),
        };
        return new Finding(Severity.Error, code, "", SourcePosition.None, message, hint);
    }
}
