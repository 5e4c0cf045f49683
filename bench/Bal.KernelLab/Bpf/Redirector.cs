using System.Runtime.InteropServices;

namespace Bal.KernelLab.Bpf;

/// <summary>
/// What relay and program tell each other about one direction, in memory that both see. All counts are bytes since the
/// socket entered
/// the map. The program runs under the lock of the receiving socket, so its fields have one writer at a time.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Direction
{
    /// <summary>Left to the relay to read. Written by the program.</summary>
    public ulong Passed;

    /// <summary>Queued by the kernel for the other socket. Written by the program.</summary>
    public ulong Redirected;

    /// <summary>
    /// The program redirects only while this equals <see cref="Passed"/>: the relay has forwarded all that it was
    /// left.
    /// </summary>
    public ulong Confirmed;

    /// <summary>The kernel bounds its queue by nothing, so the program redirects up to this and no byte more.</summary>
    public ulong Credit;

    /// <summary>Beyond this the program asks, once, for new credit.</summary>
    public ulong Low;
}

/// <summary>
/// The maps and the stream verdict program that moves bytes from socket to socket (BPF_PROG_TYPE_SK_SKB).
/// </summary>
internal sealed unsafe class Redirector
{
    public const int Sockets = 65_536;
    public const ulong Never = ulong.MaxValue;

    private const int BPF_PROG_LOAD = 5;
    private const int BPF_PROG_ATTACH = 8;
    private const uint BPF_PROG_TYPE_SK_SKB = 14;
    private const uint BPF_SK_SKB_STREAM_PARSER = 4;
    private const uint BPF_SK_SKB_STREAM_VERDICT = 5;
    private const int LookUp = 1;
    private const int SocketCookie = 46;
    private const int RedirectToMap = 52;
    private const int Output = 130;
    private const int SkDrop = 0;
    private const int SkPass = 1;

    private readonly BpfMap slots = new(BpfMap.Hash, sizeof(ulong), sizeof(uint), Sockets);
    private readonly BpfMap shared = new(BpfMap.Array, sizeof(uint), (uint)sizeof(Direction), Sockets, BpfMap.Mmapable);
    private readonly BpfMap sockets = new(BpfMap.Sockmap, sizeof(uint), sizeof(uint), Sockets);
    private readonly Direction* directions;

    /// <param name="counted">False loads the program of the naive relay, which redirects whatever comes.</param>
    /// <param name="parser">Whether a stream parser runs before it, which takes each segment as a message.</param>
    public Redirector(bool counted, bool parser)
    {
        var length = (nuint)(Sockets * sizeof(Direction));
        directions = (Direction*)Kernel.Map(shared.Fd, length, Kernel.PROT_READ | Kernel.PROT_WRITE, 0);
        if (parser)
            Attach(Load(new Assembler().Load32(0, 1, 0).Exit()), BPF_SK_SKB_STREAM_PARSER);
        Attach(Load(Verdict(counted)), BPF_SK_SKB_STREAM_VERDICT);
    }

    public SignalRing Signals { get; } = new();

    public ref Direction this[int slot] => ref directions[slot];

    /// <summary>
    /// Lets the program see a socket, which must be drained: the kernel would redirect a segment whole that the relay
    /// has read half.
    /// Slots come in pairs, 2n and 2n+1. Zero or errno.
    /// </summary>
    public int Insert(int fd, ulong cookie, int slot)
    {
        directions[slot] = new Direction { Confirmed = Never };
        var error = slots.Update(cookie, (uint)slot);
        return error != 0 ? error : sockets.Update((uint)slot, (uint)fd);
    }

    /// <summary>Before the socket is closed; it leaves the sockmap by that itself.</summary>
    public void Forget(ulong cookie) => slots.Delete(cookie);

    // r6 the segment, r7 its slot, r8 the direction, r9 its length; the stack holds cookie (-8) and slot (-16).
    private Assembler Verdict(bool counted)
    {
        var program = new Assembler()
            .Move(6, 1).Load32(9, 6, 0)
            .Call(SocketCookie).Store64(10, -8, 0)
            .LoadMap(1, slots.Fd).Move(2, 10).AddValue(2, -8).Call(LookUp)
            .JumpIfZero(0, "pass")
            .Load32(7, 0, 0).Set(1, 0).Store64(10, -16, 1).Store32(10, -16, 7)
            .LoadMap(1, shared.Fd).Move(2, 10).AddValue(2, -16).Call(LookUp)
            .JumpIfZero(0, "pass").Move(8, 0);
        if (counted)
        {
            // A FIN without bytes: Linux takes the zero that comes of sending it for an error, and breaks the other
            // socket with EPIPE.
            program.JumpIfZero(9, "drop")
                .Load64(1, 8, 0).Load64(2, 8, 16).JumpIfDifferent(1, 2, "leave")
                .Load64(3, 8, 8).AddRegister(3, 9)
                .Load64(2, 8, 24).JumpIfGreater(3, 2, "exhausted")
                .Store64(8, 8, 3)
                .Load64(2, 8, 32).JumpIfGreater(3, 2, "ask");
        }
        else
            program.Load64(3, 8, 8).AddRegister(3, 9).Store64(8, 8, 3);

        program
            .Label("redirect")
            .Move(1, 6).LoadMap(2, sockets.Fd).Move(3, 7).XorValue(3, 1).Set(4, 0).Call(RedirectToMap).Exit();
        if (counted)
        {
            Signal(program.Label("ask").Set(1, -1).Store64(8, 32, 1))
                .Move(1, 6).LoadMap(2, sockets.Fd).Move(3, 7).XorValue(3, 1).Set(4, 0).Call(RedirectToMap).Exit();
            Signal(program.Label("exhausted"))
                .Label("leave").Load64(1, 8, 0).AddRegister(1, 9).Store64(8, 0, 1);
        }

        program.Label("pass").Set(0, SkPass).Exit();
        // Code that nothing reaches is refused.
        return counted ? program.Label("drop").Set(0, SkDrop).Exit() : program;
    }

    private Assembler Signal(Assembler program) =>
        program.LoadMap(1, Signals.Fd).Move(2, 10).AddValue(2, -16).Set(3, 8).Set(4, 0).Call(Output);

    private static int Load(Assembler program)
    {
        var code = program.Assemble();
        const int logSize = 65_536;
        var log = new byte[logSize];
        // union bpf_attr of BPF_PROG_LOAD: type, count, instructions, license, log_level, log_size, log_buf
        fixed (byte* instructions = code, said = log, license = "GPL\0"u8)
        {
            var attributes = stackalloc ulong[16];
            new Span<ulong>(attributes, 16).Clear();
            attributes[0] = BPF_PROG_TYPE_SK_SKB | (ulong)(code.Length / 8) << 32;
            attributes[1] = (ulong)instructions;
            attributes[2] = (ulong)license;
            attributes[3] = 1 | (ulong)logSize << 32;
            attributes[4] = (ulong)said;
            var fd = Kernel.Bpf(BPF_PROG_LOAD, attributes, 48, null);
            return fd >= 0
                ? fd
                : throw new InvalidOperationException(
                    $"BPF program refused (errno {Infrastructure.Linux.Sockets.LastError}): "
                    + Marshal.PtrToStringUTF8((nint)said));
        }
    }

    private void Attach(int program, uint type)
    {
        var attributes = stackalloc uint[4] { (uint)sockets.Fd, (uint)program, type, 0 };
        _ = Kernel.Bpf(BPF_PROG_ATTACH, attributes, 16, "attaching the BPF program");
    }
}
