namespace Fovea.Data;

/// <summary>
/// Where the stored values of a sparse tensor belong in the dense one. TFLite stores a tensor as a tree of levels, one per
/// dimension and one per dimension of the blocks it may be cut into; a level is dense, or it lists for each node above it the indexes
/// that are there (compressed sparse rows).
/// </summary>
internal sealed class SparseEncoding
{
    // Sparse tensors are the one thing here that is larger in memory than in the file. 2^26 elements are 256 MB of floats.
    private const long MaxElements = 1 << 26;

    private const byte Dense = 0, Compressed = 1;

    private readonly FlatBuffer _buffer;
    private readonly string _name;
    private readonly int[] _shape;
    private readonly long _stored;
    private readonly int[] _order;
    private readonly int[] _blockMap;
    private readonly long _levels;

    /// <summary>Reads the small part of a SparsityParameters table of a tensor of this shape that stores <paramref name="stored"/> values.</summary>
    internal SparseEncoding(FlatBuffer buffer, FlatTable table, int[] shape, long elements, long stored, string name)
    {
        (_buffer, _name, _shape, _stored) = (buffer, name, shape, stored);
        if (elements > MaxElements || stored > elements) throw Invalid($"stores {stored} of {elements} values, at most {MaxElements} are accepted");
        // SparsityParameters: 0 traversal_order, 1 block_map, 2 dim_metadata.
        _order = table.Int32s(0, 2 * shape.Length, $"traversal order of '{name}'");
        _blockMap = table.Int32s(1, shape.Length, $"block map of '{name}'");
        (_levels, var count) = table.Tables(2, 2 * shape.Length, $"levels of '{name}'");
        if (_order.Length != shape.Length + _blockMap.Length || count != _order.Length || !IsPermutation(_order))
            throw Invalid($"has rank {shape.Length}, {_blockMap.Length} block dimensions, {count} levels and the order [{string.Join(',', _order)}]");
    }

    /// <summary>For each stored value its position in the dense tensor, row-major. Positions are distinct.</summary>
    /// <remarks>Walks the tree on each call: kept, the positions would need more memory than the file.</remarks>
    /// <exception cref="TfliteFormatException">The levels contradict the shape or each other.</exception>
    internal int[] Positions()
    {
        var (sizes, strides) = Extents();
        int[] positions = [0];
        for (var level = 0; level < _order.Length; level++)
            positions = Descend(_buffer.TableAt(_levels + 4L * level), positions, sizes[_order[level]], strides[_order[level]]);
        return positions.Length == _stored ? positions : throw Invalid($"places {positions.Length} values but stores {_stored}");
    }

    // Size and stride, in elements of the dense tensor, of each dimension and then of each block dimension. Blocks cut a dimension
    // into size / block pieces.
    private (long[] Sizes, long[] Strides) Extents()
    {
        var sizes = new long[_order.Length];
        var strides = new long[_order.Length];
        var stride = 1L;
        for (var d = _shape.Length - 1; d >= 0; d--)
        {
            sizes[d] = _shape[d];
            strides[d] = stride;
            stride *= _shape[d];
        }
        for (var b = 0; b < _blockMap.Length; b++)
        {
            var (block, d) = (_shape.Length + b, _blockMap[b]);
            var size = _buffer.TableAt(_levels + 4L * Array.IndexOf(_order, block)).Int32(1);
            if ((uint)d >= (uint)_shape.Length || Array.IndexOf(_blockMap, d) != b || size < 1 || _shape[d] % size != 0)
                throw Invalid($"cuts dimension {d} into blocks of {size}");
            (sizes[block], strides[block]) = (size, strides[d]);
            (sizes[d], strides[d]) = (_shape[d] / size, strides[d] * size);
        }
        return (sizes, strides);
    }

    // The nodes of the next level: a dense one has all of them below each node, a compressed one those it lists. As indexes below a
    // node are distinct, positions never coincide, and there are never more of them than elements.
    private int[] Descend(FlatTable level, int[] above, long size, long stride)
    {
        // DimensionMetadata: 0 format, 1 dense_size, 2 and 3 array_segments, 4 and 5 array_indices.
        var format = level.SByte(0);
        if (format == Dense)
        {
            if (level.Int32(1) != size) throw Invalid($"has a dense level of {level.Int32(1)} instead of {size}");
            // The nodes have segments or values of their own further down, which the file holds.
            if (above.Length * size > _buffer.Length) throw Invalid($"has a level of {above.Length * size} nodes, more than the file has bytes");
            var below = new int[above.Length * size];
            for (var i = 0; i < below.Length; i++) below[i] = (int)(above[i / size] + i % size * stride);
            return below;
        }
        if (format != Compressed) throw Invalid($"has a level of format {format}");
        var segments = level.Indexes(2, above.Length + 1, $"segments of '{_name}'");
        var indexes = level.Indexes(4, (int)Math.Min(above.Length * size, MaxElements), $"indexes of '{_name}'");
        if (segments.Length != above.Length + 1 || segments[0] != 0 || segments[^1] != indexes.Length)
            throw Invalid($"has {segments.Length} segments over {above.Length} nodes and {indexes.Length} indexes");
        var positions = new int[indexes.Length];
        for (var node = 0; node < above.Length; node++)
        {
            if (segments[node] > segments[node + 1] || segments[node + 1] > indexes.Length) throw Invalid("has segments out of order");
            for (var i = segments[node]; i < segments[node + 1]; i++)
            {
                if ((uint)indexes[i] >= (ulong)size || (i > segments[node] && indexes[i] <= indexes[i - 1]))
                    throw Invalid($"has the index {indexes[i]} of {size}, out of range or order");
                positions[i] = (int)(above[node] + indexes[i] * stride);
            }
        }
        return positions;
    }

    private TfliteFormatException Invalid(string problem) => _buffer.Invalid($"sparse tensor '{_name}' {problem}");

    private static bool IsPermutation(int[] order)
    {
        var seen = new bool[order.Length];
        foreach (var d in order)
        {
            if ((uint)d >= (uint)order.Length || seen[d]) return false;
            seen[d] = true;
        }
        return true;
    }
}
