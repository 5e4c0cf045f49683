using System.Text;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Config;

/// <summary>Reads and prints the paths of Unix sockets, and the mode of those that bal makes.</summary>
internal static class UnixPaths
{
    /// <summary>What follows "expected" in a message.</summary>
    public const string Expected = "the absolute path of a Unix socket, at most 107 bytes";

    private const string Code = "invalid_socket_path";
    private const string ModeExpected = "a mode in octal digits, such as \"0660\"";
    private const string ModePattern = "^0?[0-7]{3}$";

    /// <summary>A path without <c>unix:</c> before it, or none.</summary>
    public static Kind<Option<string>> Kind { get; } = new(
        Expected,
        Raw.Map(
            Raw.Entry("type", "string"),
            Raw.Entry("pattern", "^/.*[^/]$"),
            Raw.Entry("maxLength", Raw.Number(Host.Unix.MaxPathBytes))),
        field => Scalars.Text(field, Expected).Then(scalar =>
            Read(field, scalar.Text, Expected).Map<object>(path => Option<string>.Some(path))),
        path => ((Option<string>)path).Match(Raw.Text, () => Raw.Null));

    /// <summary>Permission bits.</summary>
    public static Kind<int> Mode { get; } = new(
        ModeExpected,
        Raw.Map(Raw.Entry("type", "string"), Raw.Entry("pattern", ModePattern)),
        field => Scalars.Text(field, ModeExpected).Then(scalar => ModeOf(scalar.Text).Match(
            mode => Checked.Good<object>(mode),
            () => Checked.Bad<object>(Faults.Unexpected("invalid_mode", field, ModeExpected,
                "write \"0660\" for the owner and the group, \"0666\" for everybody on this machine")))),
        mode => Raw.Text(ModeText((int)mode)));

    /// <summary>A mode as the file has it: four octal digits.</summary>
    public static string ModeText(int mode) => Convert.ToString(mode, 8).PadLeft(4, '0');

    /// <summary>The path of a socket, or what is wrong with it.</summary>
    public static Either<HostFault, string> Read(string path) =>
        path.StartsWith('@') || path.StartsWith('\0')
            ? Fault("it is an abstract name, and any user of this machine can take such a name",
                "choose a path, such as /run/bal/web.sock: its directory and its mode say who may use it")
        : !path.StartsWith('/')
            ? Fault("it is not absolute", "write the whole path of the socket, such as unix:/run/bal/web.sock")
        : path.EndsWith('/')
            ? Fault("it is a directory", "write the whole path of the socket, such as unix:/run/bal/web.sock")
        : path.Any(char.IsControl)
            ? Fault("it contains control characters", "write a path without them")
        : Encoding.UTF8.GetByteCount(path) > Host.Unix.MaxPathBytes
            ? Fault($"it has {Encoding.UTF8.GetByteCount(path)} bytes",
                $"choose a path of at most {Host.Unix.MaxPathBytes} bytes: the kernel has no room for a longer one")
        : path;

    /// <summary>The path behind a key.</summary>
    public static Checked<string> Read(Field field, string path, string expected) => Read(path).Match(
        Right: Checked.Good,
        Left: fault => Checked.Bad<string>(
            Faults.Unexpected(fault.Code, field, expected, fault.Hint, fault.Reason)));

    private static Option<int> ModeOf(string text) =>
        text.Length is 3 or 4 && text.All(c => c is >= '0' and <= '7') && (text.Length == 3 || text[0] == '0')
            ? Convert.ToInt32(text, 8)
            : Option<int>.None;

    private static Either<HostFault, string> Fault(string reason, string hint) => new HostFault(Code, reason, hint);
}
