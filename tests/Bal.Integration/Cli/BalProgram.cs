using Bal.Integration.Process;

namespace Bal.Integration.Cli;

/// <summary>The program as a user runs it, with a home of its own and nothing else in its environment.</summary>
internal static class BalProgram
{
    public static async Task<Finished> Run(string home, params string[] arguments) =>
        await Run([("BAL_HOME", home)], arguments);

    public static async Task<Finished> Run((string Name, string? Value)[] variables, params string[] arguments)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "bal");
        using var child = Child.Start(path, arguments, [("BAL_CONFIG", null), ("BAL_DEBUG", null), .. variables]);
        return await child.End();
    }
}
