namespace Fovea.Benchmarks.Mtcnn;

/// <summary>Greedy non-maximum suppression in plain C# over reused arrays: best score first, equal scores by index, widths with
/// +1.</summary>
internal sealed class Suppression(int capacity)
{
    private readonly ulong[] _order = new ulong[capacity];
    private readonly float[] _x1 = new float[capacity], _y1 = new float[capacity], _x2 = new float[capacity], _y2 = new float[capacity];
    private readonly float[] _area = new float[capacity];
    private readonly int[] _index = new int[capacity];

    /// <summary>Writes the indices of the survivors, best first, and returns how many there are.</summary>
    /// <param name="boxes">At most as many as the capacity.</param>
    /// <param name="scoreThreshold">Only higher scores take part.</param>
    /// <param name="limit">Most boxes that take part; the best do.</param>
    /// <param name="overlap">Two boxes with a larger overlap are one object.</param>
    /// <param name="smaller">Overlap is intersection over the smaller area instead of over the union.</param>
    /// <param name="keep">Room for the survivors; further ones are dropped.</param>
    public int Run(ReadOnlySpan<Candidate> boxes, float scoreThreshold, int limit, float overlap, bool smaller, Span<int> keep)
    {
        int left = Rank(boxes, scoreThreshold, limit);
        int kept = 0;
        while (left > 0 && kept < keep.Length)
        {
            keep[kept++] = _index[0];
            left = DropOverlapping(left, overlap, smaller);
        }

        return kept;
    }

    private int Rank(ReadOnlySpan<Candidate> boxes, float scoreThreshold, int limit)
    {
        int n = 0;
        for (int i = 0; i < boxes.Length; i++)
        {
            // The bits of positive floats sort like the floats; inverted, best first, with the index to settle ties.
            if (boxes[i].Score > scoreThreshold) _order[n++] = (ulong)~BitConverter.SingleToUInt32Bits(boxes[i].Score) << 32 | (uint)i;
        }

        _order.AsSpan(0, n).Sort();
        n = Math.Min(n, limit);
        for (int i = 0; i < n; i++)
        {
            int index = (int)(uint)_order[i];
            ref readonly var box = ref boxes[index];
            _index[i] = index;
            _x1[i] = box.X1;
            _y1[i] = box.Y1;
            _x2[i] = box.X2;
            _y2[i] = box.Y2;
            _area[i] = (box.X2 - box.X1 + 1) * (box.Y2 - box.Y1 + 1);
        }

        return n;
    }

    /// <summary>Removes box 0 and every box that overlaps it, closing the gaps; returns how many are left.</summary>
    private int DropOverlapping(int n, float overlap, bool smaller)
    {
        Span<float> x1 = _x1.AsSpan(0, n), y1 = _y1.AsSpan(0, n), x2 = _x2.AsSpan(0, n), y2 = _y2.AsSpan(0, n), area = _area.AsSpan(0, n);
        var index = _index.AsSpan(0, n);
        float left = x1[0], top = y1[0], right = x2[0], bottom = y2[0], own = area[0];
        int to = 0;
        for (int i = 1; i < x1.Length; i++)
        {
            float w = Math.Max(0, Math.Min(right, x2[i]) - Math.Max(left, x1[i]) + 1);
            float h = Math.Max(0, Math.Min(bottom, y2[i]) - Math.Max(top, y1[i]) + 1);
            float inter = w * h;
            float whole = smaller ? Math.Min(own, area[i]) : own + area[i] - inter;
            if (inter > overlap * whole) continue;
            (x1[to], y1[to], x2[to], y2[to], area[to], index[to]) = (x1[i], y1[i], x2[i], y2[i], area[i], index[i]);
            to++;
        }

        return to;
    }
}
