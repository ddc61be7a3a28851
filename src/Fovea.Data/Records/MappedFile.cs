using System.Buffers;
using System.IO.MemoryMappedFiles;

namespace Fovea.Data;

/// <summary>A file of any length, mapped for reading. It must not be shortened while it is open: the system answers reads
/// beyond the end by ending the process. Without <see cref="Dispose"/> it stays mapped, so nothing dangles.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    // Memory<T> reaches 2 GiB, so one manager serves what starts in its GiB.
    private const int ChunkShift = 30;

    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly Chunk[] _chunks;
    private byte* _start;

    internal MappedFile(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        Length = stream.Length;
        _chunks = new Chunk[(Length >> ChunkShift) + 1];
        for (var i = 0; i < _chunks.Length; i++) _chunks[i] = new Chunk(this, (long)i << ChunkShift);
        // An empty file cannot be mapped.
        if (Length == 0) return;
        _file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        _view = _file.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += _view.PointerOffset;
    }

    internal long Length { get; }

    /// <summary>The file from <paramref name="position"/> on, at most 2 GiB of it.</summary>
    internal ReadOnlySpan<byte> Window(long position)
    {
        ObjectDisposedException.ThrowIf(_start == null && Length > 0, this);
        return new ReadOnlySpan<byte>(_start + position, (int)Math.Min(Length - position, int.MaxValue));
    }

    internal ReadOnlyMemory<byte> Memory(long offset, int length)
    {
        var chunk = (int)(offset >> ChunkShift);
        return _chunks[chunk].Memory.Slice((int)(offset - ((long)chunk << ChunkShift)), length);
    }

    public void Dispose()
    {
        if (_start == null) return;
        _start = null;
        _view!.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file!.Dispose();
    }

    private sealed class Chunk(MappedFile file, long offset) : MemoryManager<byte>
    {
        public override Memory<byte> Memory => CreateMemory((int)Math.Min(file.Length - offset, int.MaxValue));

        // Memory<T> is writable by type only: records leave as ReadOnlyMemory.
        public override Span<byte> GetSpan()
        {
            var window = file.Window(offset);
            return new Span<byte>(file._start + offset, window.Length);
        }

        public override MemoryHandle Pin(int elementIndex = 0)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)file.Window(offset).Length);
            return new MemoryHandle(file._start + offset + elementIndex, default, this);
        }

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
