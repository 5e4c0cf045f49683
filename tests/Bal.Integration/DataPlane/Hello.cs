using System.Text;

namespace Bal.Integration.DataPlane;

/// <summary>What TLS clients send first.</summary>
internal static class Hello
{
    /// <summary>A hello of TLS 1.2 that asks for a name, or for none; longer by so many bytes.</summary>
    public static byte[] For(string? name, int more = 0)
    {
        byte[] extensions =
        [
            .. name is null ? [] : (byte[])
            [
                0, 0, .. Number(name.Length + 5), .. Number(name.Length + 3), 0, .. Number(name.Length),
                .. Encoding.Latin1.GetBytes(name),
            ],
            0xfe, 0x0d, .. Number(more), .. new byte[more],
        ];
        byte[] body =
            [3, 3, .. new byte[32], 0, 0, 2, 0x13, 1, 1, 0, .. Number(extensions.Length), .. extensions];
        byte[] message = [1, 0, .. Number(body.Length), .. body];
        return [.. message.Chunk(16 * 1024).SelectMany(part => (byte[])[22, 3, 1, .. Number(part.Length), .. part])];
    }

    /// <summary>What a client of this kind sent once (docs/fuzzing.md).</summary>
    public static byte[] Captured(string client) => File.ReadAllBytes(
        Documentation.Repository.At("tests", "Bal.Fuzz", "corpus", "hello", client));

    private static byte[] Number(int value) => [(byte)(value >> 8), (byte)value];
}
