using System.Numerics;

namespace Fovea.Data;

/// <summary>One feature of all records of a batch: the values in order, and where each row's start. What other forms need on
/// top, coordinates or padding, is made when it is asked for.
/// <list type="table">
/// <item><term>FixedLen</term><description>values [rows, shape]</description></item>
/// <item><term>FixedLenSequence</term><description>values, row splits; <see cref="PaddedInt64s"/> [rows, most steps,
/// shape]</description></item>
/// <item><term>VarLen, Sparse</term><description>values, row splits, <see cref="Indices"/>,
/// <see cref="DenseShape"/></description></item>
/// <item><term>Ragged</term><description>values, row splits, with an inner dimension also
/// <see cref="InnerSplits"/></description></item>
/// </list>
/// In the feature lists of SequenceExamples rows are split into steps, and steps into values by
/// <see cref="InnerSplits"/>.</summary>
public sealed partial class ExampleColumn
{
    private readonly ExampleBatch _batch;
    private readonly ColumnPlan _plan;
    private readonly FeatureSlot _values;
    private readonly FeatureSlot[] _parts;
    private readonly ColumnBuffers _derived;
    private readonly int _count;
    private readonly bool _isFixed;
    private readonly bool _isList;
    private readonly long[] _shape;

    // The version of the batch that each derived form was made from.
    private long _splitsVersion = -1, _innerVersion = -1, _indicesVersion = -1, _paddedVersion = -1;

    internal ExampleColumn(ExampleBatch batch, ColumnPlan plan, ParsePlan parent, FeatureSlot[] slots, ColumnBuffers derived)
    {
        _batch = batch;
        _plan = plan;
        _derived = derived;
        _parts = [.. plan.Parts.Select(part => slots[part])];
        _values = derived.Sparse?.Values ?? slots[plan.Values];
        _count = parent.Slots[plan.Values].Count;
        _isFixed = parent.Slots[plan.Values].IsFixed;
        _isList = parent.AreLists;
        _shape = new long[plan.Spec switch
        {
            FixedLenFeature f => 1 + f.Shape.Length,
            FixedLenSequenceFeature f => 2 + f.Shape.Length,
            SparseFeature f => 1 + f.Sizes.Count,
            _ => _isList || _parts.Length > 0 ? 3 : 2,
        }];
    }

    /// <summary>What was asked for.</summary>
    public FeatureSpec Spec => _plan.Spec;

    /// <summary>Name of the column.</summary>
    public string Name => Spec.Name;

    /// <summary>Type of the values.</summary>
    public FeatureKind Kind => Spec.Kind;

    /// <summary>Number of values in all rows.</summary>
    public int Count
    {
        get
        {
            var end = _values.RowStart(_batch.Count);
            return _isList ? (int)_values.StepSplits.Span[end] : end;
        }
    }

    /// <summary>Where each row starts among the values, and the number of values; in a feature list, and where there is an
    /// inner dimension, among the steps.</summary>
    public ReadOnlySpan<long> RowSplits
    {
        get
        {
            if (_parts.Length > 0 && _derived.Sparse is null) return _parts[0].Splits.Span[..(_batch.Count + 1)];
            if (_isFixed && _splitsVersion != _batch.Version)
            {
                var splits = _values.Splits.Reserve(_batch.Count + 1);
                for (var row = 0; row <= _batch.Count; row++) splits[row] = (long)row * _count;
                _splitsVersion = _batch.Version;
            }
            return _values.Splits.Span[..(_batch.Count + 1)];
        }
    }

    /// <summary>Where each step starts among the values, and the number of values; empty where rows have no steps.</summary>
    public ReadOnlySpan<long> InnerSplits
    {
        get
        {
            if (_isList) return _values.StepSplits.Span[..((int)RowSplits[^1] + 1)];
            if (_parts.Length == 0 || _derived.Sparse is not null) return [];
            var steps = _parts[0].RowStart(_batch.Count);
            var splits = _derived.Inner.Reserve(steps + 1);
            if (_innerVersion != _batch.Version)
            {
                splits[0] = 0;
                var lengths = _parts[0].Int64s.Span;
                for (var i = 0; i < steps; i++) splits[i + 1] = splits[i] + lengths[i];
                _innerVersion = _batch.Version;
            }
            return splits[..(steps + 1)];
        }
    }

    /// <summary>The values, where they are integers.</summary>
    /// <exception cref="InvalidOperationException">They are not.</exception>
    public ReadOnlySpan<long> Int64s => Require(FeatureKind.Int64)._values.Int64s.Span[..Count];

    /// <summary>The values, where they are floats.</summary>
    /// <exception cref="InvalidOperationException">They are not.</exception>
    public ReadOnlySpan<float> Floats => Require(FeatureKind.Float)._values.Floats.Span[..Count];

    /// <summary>A value, where they are byte strings.</summary>
    /// <exception cref="InvalidOperationException">They are not.</exception>
    public ReadOnlySpan<byte> Bytes(int index)
    {
        Require(FeatureKind.Bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        return _values.Bytes(index);
    }

    /// <summary>All byte strings, one behind the other; <paramref name="offsets"/> [count + 1] say where each starts.</summary>
    internal ReadOnlySpan<byte> Strings(out ReadOnlySpan<int> offsets)
    {
        var (data, starts) = Require(FeatureKind.Bytes)._values.Strings;
        offsets = starts.Span[..(Count + 1)];
        return data.Span[..offsets[^1]];
    }

    /// <summary>Shape of the tensor that the column stands for: for FixedLen [rows, shape], else with the most steps or values
    /// of a row for the dimensions that vary.</summary>
    public ReadOnlySpan<long> DenseShape
    {
        get
        {
            _shape[0] = _batch.Count;
            switch (Spec)
            {
                case FixedLenFeature f:
                    for (var i = 0; i < f.Shape.Length; i++) _shape[1 + i] = f.Shape[i];
                    break;
                case FixedLenSequenceFeature f:
                    _shape[1] = Longest(RowSplits) / (_isList ? 1 : _count);
                    for (var i = 0; i < f.Shape.Length; i++) _shape[2 + i] = f.Shape[i];
                    break;
                case SparseFeature f:
                    for (var i = 0; i < f.Sizes.Count; i++) _shape[1 + i] = f.Sizes[i];
                    break;
                default:
                    _shape[1] = Longest(RowSplits);
                    if (_shape.Length > 2) _shape[2] = Longest(InnerSplits);
                    break;
            }
            return _shape;
        }
    }

    /// <summary>Coordinates of each value in the dense tensor, in row-major order: as many numbers a value as
    /// <see cref="DenseShape"/> has.</summary>
    /// <exception cref="InvalidOperationException">The column is neither VarLen nor Sparse.</exception>
    public ReadOnlySpan<long> Indices => IndicesBuffer().Span[..(Count * _shape.Length)];

    /// <summary>Integers of a FixedLenSequence column as <see cref="DenseShape"/> says, short rows padded at their
    /// ends.</summary>
    /// <exception cref="InvalidOperationException">The column is none.</exception>
    public ReadOnlySpan<long> PaddedInt64s
    {
        get
        {
            Require(FeatureKind.Int64);
            return Padded(_values.Int64s, _derived.PaddedInt64s, _plan.Padding is { } padding ? padding.Int64s[0] : 0);
        }
    }

    /// <summary>Floats of a FixedLenSequence column as <see cref="DenseShape"/> says, short rows padded at their
    /// ends.</summary>
    /// <exception cref="InvalidOperationException">The column is none.</exception>
    public ReadOnlySpan<float> PaddedFloats
    {
        get
        {
            Require(FeatureKind.Float);
            return Padded(_values.Floats, _derived.PaddedFloats, _plan.Padding is { } padding ? padding.Floats[0] : 0);
        }
    }

    /// <summary>Called with a row whose slots were filled, before it counts.</summary>
    internal void AppendRow(int row)
    {
        if (_derived.Sparse is { } sparse)
        {
            sparse.AppendRow(row);
        }
        else if (_parts.Length > 0)
        {
            var lengths = _parts[0];
            long sum = 0;
            foreach (var length in lengths.Int64s.Span[lengths.RowStart(row)..lengths.RowStart(row + 1)])
            {
                if (length < 0) throw new ExampleException($"a row length is {length}");
                sum += length;
            }
            var count = _values.RowStart(row + 1) - _values.RowStart(row);
            if (sum != count) throw new ExampleException($"its row lengths add up to {sum}, but it has {count} values");
        }
    }

    private BatchBuffer<long> IndicesBuffer()
    {
        if (_derived.Sparse is { } sparse) return sparse.Indices;
        if (Spec is not VarLenFeature)
            throw new InvalidOperationException($"column '{Name}' is a {Spec.GetType().Name}, which has no indices");
        if (_indicesVersion == _batch.Version) return _derived.Indices;
        var rows = RowSplits;
        var inner = InnerSplits;
        var indices = _derived.Indices.Reserve((long)Count * _shape.Length);
        var at = 0;
        for (var row = 0; row < _batch.Count; row++)
        {
            for (var i = rows[row]; i < rows[row + 1]; i++)
            {
                if (!_isList)
                {
                    indices[at++] = row;
                    indices[at++] = i - rows[row];
                    continue;
                }
                for (var j = inner[(int)i]; j < inner[(int)i + 1]; j++)
                {
                    indices[at++] = row;
                    indices[at++] = i - rows[row];
                    indices[at++] = j - inner[(int)i];
                }
            }
        }
        _indicesVersion = _batch.Version;
        return _derived.Indices;
    }

    private ReadOnlySpan<T> Padded<T>(BatchBuffer<T> values, BatchBuffer<T> padded, T padding) where T : unmanaged, INumber<T>
    {
        if (Spec is not FixedLenSequenceFeature)
            throw new InvalidOperationException($"column '{Name}' is a {Spec.GetType().Name}, which is not padded");
        var rowLength = DenseShape[1] * _count;
        var result = padded.Reserve(_batch.Count * rowLength)[..(int)(_batch.Count * rowLength)];
        if (_paddedVersion == _batch.Version) return result;
        var rows = RowSplits;
        // Steps of a list have a fixed number of values.
        var scale = _isList ? _count : 1;
        for (var row = 0; row < _batch.Count; row++)
        {
            var source = values.Span[(int)(rows[row] * scale)..(int)(rows[row + 1] * scale)];
            var target = result.Slice((int)(row * rowLength), (int)rowLength);
            source.CopyTo(target);
            target[source.Length..].Fill(padding);
        }
        _paddedVersion = _batch.Version;
        return result;
    }

    private static long Longest(ReadOnlySpan<long> splits)
    {
        long longest = 0;
        for (var i = 1; i < splits.Length; i++) longest = Math.Max(longest, splits[i] - splits[i - 1]);
        return longest;
    }

    private ExampleColumn Require(FeatureKind kind) =>
        Kind == kind ? this : throw new InvalidOperationException($"the values of column '{Name}' are {Kind}, not {kind}");
}
