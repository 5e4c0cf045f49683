using System.Runtime.InteropServices;

namespace Bal.Infrastructure.Linux;

/// <summary>What statx(2) says of a file; unlike struct stat its layout is the same on every architecture.</summary>
/// <param name="Device">The device, major and minor number in one.</param>
/// <param name="Inode">The inode number, unique on the device.</param>
/// <param name="Mode">Type and permission bits (inode(7)).</param>
/// <param name="Owner">The user that owns it.</param>
/// <param name="Links">The number of names it has; 0 once unlinked.</param>
internal readonly partial record struct FileFacts(ulong Device, ulong Inode, uint Mode, uint Owner, uint Links)
{
    private const int AtFdCwd = -100;
    private const int AtEmptyPath = 0x1000;
    private const int AtSymlinkNofollow = 0x100;
    private const uint BasicStats = 0x7ff;

    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Statx
    {
        [FieldOffset(16)] internal uint Links;
        [FieldOffset(20)] internal uint Uid;
        [FieldOffset(28)] internal ushort Mode;
        [FieldOffset(32)] internal ulong Inode;
        [FieldOffset(40)] internal ulong Size;
        [FieldOffset(96)] internal long ChangedSeconds;
        [FieldOffset(104)] internal uint ChangedNanoseconds;
        [FieldOffset(112)] internal long ModifiedSeconds;
        [FieldOffset(120)] internal uint ModifiedNanoseconds;
        [FieldOffset(136)] internal uint DeviceMajor;
        [FieldOffset(140)] internal uint DeviceMinor;
    }

    internal bool IsDirectory => (Mode & 0xF000) == 0x4000;

    internal bool IsRegular => (Mode & 0xF000) == 0x8000;

    internal bool IsCharacterDevice => (Mode & 0xF000) == 0x2000;

    internal bool IsSocket => (Mode & 0xF000) == 0xC000;

    internal bool IsPipe => (Mode & 0xF000) == 0x1000;

    internal bool IsWorldWritable => (Mode & 0x2) != 0;

    /// <summary>The device as stat(2) says it (makedev(3)).</summary>
    internal ulong DeviceNumber
    {
        get
        {
            var (major, minor) = (Device >> 32, Device & 0xffff_ffff);
            return ((major & 0xfff) << 8) | (minor & 0xff) | ((minor & ~0xffUL) << 12) | ((major & ~0xfffUL) << 32);
        }
    }

    internal bool IsReadByOthers => (Mode & 0x4) != 0;

    /// <summary>How many bytes it has.</summary>
    internal ulong Size { get; init; }

    /// <summary>When its content changed last, and when anything of it did, in nanoseconds.</summary>
    internal (long Content, long Any) Changed { get; init; }

    /// <summary>Whether both are the same file.</summary>
    internal bool IsSameFile(FileFacts other) => Device == other.Device && Inode == other.Inode;

    /// <summary>The facts of an open file; null and errno if there are none.</summary>
    internal static FileFacts? Of(int fd) => Ask(fd, "", AtEmptyPath);

    /// <summary>
    /// The facts of what a path names, symlinks followed unless it is itself one and that is not wanted.
    /// </summary>
    internal static FileFacts? Of(string path, bool follow) => Ask(AtFdCwd, path, follow ? 0 : AtSymlinkNofollow);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Call(int directory, string path, int flags, uint mask, Statx* result);

    private static unsafe FileFacts? Ask(int directory, string path, int flags)
    {
        Statx s;
        if (Call(directory, path, flags, BasicStats, &s) != 0) return null;
        return new FileFacts(((ulong)s.DeviceMajor << 32) | s.DeviceMinor, s.Inode, s.Mode, s.Uid, s.Links)
        {
            Size = s.Size,
            Changed = (
                (s.ModifiedSeconds * 1_000_000_000) + s.ModifiedNanoseconds,
                (s.ChangedSeconds * 1_000_000_000) + s.ChangedNanoseconds),
        };
    }
}
