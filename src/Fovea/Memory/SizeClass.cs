namespace Fovea;

/// <summary>The free blocks of one size, last freed first: what was used last is likely still in the cache.</summary>
internal sealed class SizeClass(long size)
{
    // Beyond this depth a block of another stream is as good as one of our own.
    private const int Search = 8;

    // Stream 0: every stream may take the block.
    private (nint Data, int Stream)[] _blocks = new (nint, int)[4];

    public long Size { get; } = size;

    public int Free { get; private set; }

    /// <summary>Blocks of this size that are in use.</summary>
    public int Rented { get; set; }

    /// <summary>A block that <paramref name="stream"/> may use now, or 0. <paramref name="anyStream"/>: work on this device has
    /// finished by the time a block is freed.</summary>
    public nint Take(int stream, bool anyStream)
    {
        var last = anyStream ? Math.Max(0, Free - Search) : 0;
        for (var i = Free - 1; i >= last; i--)
            if (_blocks[i].Stream == stream || _blocks[i].Stream == 0)
                return RemoveAt(i);
        return anyStream && Free > 0 ? RemoveAt(Free - 1) : 0;
    }

    public nint TakeAny() => RemoveAt(Free - 1);

    public void Put(nint data, int stream)
    {
        if (Free == _blocks.Length) Array.Resize(ref _blocks, 2 * Free);
        _blocks[Free++] = (data, stream);
    }

    public void MakeShared(int stream)
    {
        for (var i = 0; i < Free; i++)
            if (_blocks[i].Stream == stream)
                _blocks[i].Stream = 0;
    }

    private nint RemoveAt(int index)
    {
        var data = _blocks[index].Data;
        Free--;
        Array.Copy(_blocks, index + 1, _blocks, index, Free - index);
        return data;
    }
}
