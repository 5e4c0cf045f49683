namespace Bal.Domain.Config;

/// <summary>A configuration file with what became of it.</summary>
/// <param name="Path">The file, as an absolute path.</param>
/// <param name="Outcome">The result of validation; a file that cannot be read has one finding that says why.</param>
public sealed record LoadedConfig(string Path, ConfigOutcome Outcome);
