using System.CommandLine;
using Bal.Domain.Config;

namespace Bal.Cli.Commands;

/// <summary><c>bal schema</c>: the JSON Schema of the configuration, for editors.</summary>
internal static class SchemaCommand
{
    internal static Command Define(CompositionRoot composition)
    {
        var command = new Command("schema", "Print the JSON Schema of the configuration");
        command.SetAction(_ =>
        {
            composition.Out.Write(ConfigSchema.ToJson());
            return ExitCode.Ok;
        });
        return command;
    }
}
