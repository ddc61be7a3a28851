namespace Fovea.Data;

/// <summary>Weights of a triangle filter along one axis: linear interpolation where the image grows, means over the pixels that fall
/// together where it shrinks (Pillow's "bilinear").</summary>
internal sealed class ResampleAxis
{
    private readonly (int First, int Count, int At)[] _targets; // no weights: outside of the source
    private readonly List<float> _weights = [];

    /// <summary>Targets [from, to) of an axis with x' = scale x + offset over <paramref name="length"/> source pixels. A target whose centre
    /// lies outside of the source has no weights; the others share theirs among the pixels that exist.</summary>
    internal ResampleAxis(double scale, double offset, int length, int from, int to)
    {
        _targets = new (int, int, int)[to - from];
        var support = Math.Max(1, 1 / Math.Abs(scale));
        (FirstUsed, EndUsed) = (length, 0);
        for (var i = 0; i < _targets.Length; i++)
        {
            var centre = (from + i + 0.5 - offset) / scale - 0.5;
            if (!(centre >= -0.5 && centre < length - 0.5)) continue;
            var (first, last) = (Math.Max(0, (int)Math.Ceiling(centre - support)), Math.Min(length - 1, (int)Math.Floor(centre + support)));
            var (at, total) = (_weights.Count, 0.0);
            for (var k = first; k <= last; k++) total += 1 - Math.Abs(k - centre) / support;
            for (var k = first; k <= last; k++) _weights.Add((float)((1 - Math.Abs(k - centre) / support) / total));
            _targets[i] = (first, last - first + 1, at);
            (FirstUsed, EndUsed) = (Math.Min(FirstUsed, first), Math.Max(EndUsed, last + 1));
        }
    }

    /// <summary>Source pixels [first, end) that any target reads; empty where end is not above first.</summary>
    internal int FirstUsed { get; }

    /// <summary>Behind the last source pixel that any target reads.</summary>
    internal int EndUsed { get; }

    /// <summary>Filters lines of interleaved R, G, B.</summary>
    /// <param name="source">Pixel <paramref name="skip"/> and those behind it.</param>
    /// <param name="step">Elements from one pixel of the source to the next.</param>
    /// <param name="skip">Pixels that the source leaves out at its beginning.</param>
    /// <param name="fill">Stands for what lies outside of the source.</param>
    /// <param name="target">Three numbers for each target, one behind the other.</param>
    internal void Apply(ReadOnlySpan<float> source, int step, int skip, float fill, Span<float> target)
    {
        for (var i = 0; i < _targets.Length; i++)
        {
            var (first, count, at) = _targets[i];
            for (var c = 0; c < 3; c++)
            {
                var sum = count == 0 ? fill : 0f;
                for (var k = 0; k < count; k++) sum += _weights[at + k] * source[(first + k - skip) * step + c];
                target[3 * i + c] = sum;
            }
        }
    }
}
