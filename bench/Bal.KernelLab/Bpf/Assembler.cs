using System.Buffers.Binary;

namespace Bal.KernelLab.Bpf;

/// <summary>
/// The few BPF instructions that the lab needs, with forward labels (RFC 9669). An instruction is eight bytes: opcode,
/// destination and
/// source register, offset, immediate.
/// </summary>
internal sealed class Assembler
{
    private readonly List<byte[]> code = [];
    private readonly List<(int At, string Label)> jumps = [];
    private readonly Dictionary<string, int> labels = [];

    public Assembler Move(int to, int from) => Add(0xBF, to, from);

    public Assembler Set(int to, int value) => Add(0xB7, to, 0, 0, value);

    public Assembler AddRegister(int to, int from) => Add(0x0F, to, from);

    public Assembler AddValue(int to, int value) => Add(0x07, to, 0, 0, value);

    public Assembler XorValue(int to, int value) => Add(0xA7, to, 0, 0, value);

    public Assembler Load32(int to, int from, int offset) => Add(0x61, to, from, offset);

    public Assembler Load64(int to, int from, int offset) => Add(0x79, to, from, offset);

    public Assembler Store32(int to, int offset, int from) => Add(0x63, to, from, offset);

    public Assembler Store64(int to, int offset, int from) => Add(0x7B, to, from, offset);

    public Assembler Call(int helper) => Add(0x85, 0, 0, 0, helper);

    public Assembler Exit() => Add(0x95, 0, 0);

    /// <summary>Loads the address of a map: the one instruction of sixteen bytes (BPF_PSEUDO_MAP_FD).</summary>
    public Assembler LoadMap(int to, int fd) => Add(0x18, to, 1, 0, fd).Add(0, 0, 0);

    public Assembler JumpIfZero(int register, string label) => Jump(0x15, register, 0, label);

    public Assembler JumpIfDifferent(int left, int right, string label) => Jump(0x5D, left, right, label);

    public Assembler JumpIfGreater(int left, int right, string label) => Jump(0x2D, left, right, label);

    public Assembler Label(string label)
    {
        labels.Add(label, code.Count);
        return this;
    }

    public byte[] Assemble()
    {
        foreach (var (at, label) in jumps)
            BinaryPrimitives.WriteInt16LittleEndian(code[at].AsSpan(2), (short)(labels[label] - at - 1));
        return [.. code.SelectMany(i => i)];
    }

    private Assembler Jump(byte opcode, int left, int right, string label)
    {
        jumps.Add((code.Count, label));
        return Add(opcode, left, right);
    }

    private Assembler Add(byte opcode, int to, int from, int offset = 0, int value = 0)
    {
        var instruction = new byte[8];
        instruction[0] = opcode;
        instruction[1] = (byte)(from << 4 | to);
        BinaryPrimitives.WriteInt16LittleEndian(instruction.AsSpan(2), (short)offset);
        BinaryPrimitives.WriteInt32LittleEndian(instruction.AsSpan(4), value);
        code.Add(instruction);
        return this;
    }
}
