namespace Fovea.Data;

/// <summary>One feature's values in all records of a batch, in order. A row that could not be added whole is overwritten by the
/// next one: where a row starts is said by the rows before it.</summary>
internal sealed class FeatureSlot : IDisposable
{
    private readonly SlotPlan _plan;
    private readonly BatchBuffer<long> _int64s;
    private readonly BatchBuffer<float> _floats;
    private readonly BatchBuffer<byte> _data;
    private readonly BatchBuffer<int> _offsets;
    private readonly BatchBuffer<long> _splits;
    private readonly BatchBuffer<long> _stepSplits;

    internal FeatureSlot(SlotPlan plan, Device? device)
    {
        _plan = plan;
        _int64s = new BatchBuffer<long>(device);
        _floats = new BatchBuffer<float>(device);
        _data = new BatchBuffer<byte>(null);
        _offsets = new BatchBuffer<int>(null);
        _splits = new BatchBuffer<long>(device);
        _stepSplits = new BatchBuffer<long>(device);
        _splits.Reserve(1)[0] = 0;
        _stepSplits.Reserve(1)[0] = 0;
        _offsets.Reserve(1)[0] = 0;
    }

    internal FeatureKind Kind => _plan.Kind;

    internal BatchBuffer<long> Int64s => _int64s;

    internal BatchBuffer<float> Floats => _floats;

    /// <summary>The byte strings, one behind the other, and where each starts.</summary>
    internal (BatchBuffer<byte> Data, BatchBuffer<int> Offsets) Strings => (_data, _offsets);

    internal BatchBuffer<long> Splits => _splits;

    /// <summary>Of a list: where the values of each step start.</summary>
    internal BatchBuffer<long> StepSplits => _stepSplits;

    /// <summary>First value of a row; of the row behind the last: the number of values. Of a list: steps instead of
    /// values.</summary>
    internal int RowStart(int row) => _plan.IsFixed ? row * _plan.Count : (int)_splits.Span[row];

    internal ReadOnlySpan<byte> Bytes(int index)
    {
        var offsets = _offsets.Span;
        return _data.Span[offsets[index]..offsets[index + 1]];
    }

    internal void Append(int row, FeatureView feature)
    {
        if (feature.Kind == FeatureKind.None)
        {
            AppendMissing(row);
            return;
        }
        if (feature.Kind != _plan.Kind) throw new ExampleException($"its values are {feature.Kind}, expected {_plan.Kind}");
        var start = RowStart(row);
        var count = AppendValues(start, feature);
        if (_plan.IsFixed) return;
        if (count % _plan.Count != 0)
            throw new ExampleException($"it has {count} values, which is no multiple of the {_plan.Count} values of a step");
        EndRow(row, start + count);
    }

    internal void AppendMissing(int row)
    {
        var start = RowStart(row);
        if (!_plan.IsFixed)
        {
            if (_plan.IsRequired) throw new ExampleException("it is required, but missing");
            EndRow(row, start);
            return;
        }
        var values = _plan.Default ?? throw new ExampleException("it is required, but missing");
        switch (_plan.Kind)
        {
            case FeatureKind.Int64: values.Int64s.CopyTo(_int64s.Reserve(start + values.Count)[start..]); break;
            case FeatureKind.Float: values.Floats.CopyTo(_floats.Reserve(start + values.Count)[start..]); break;
            default:
                for (var i = 0; i < values.Count; i++) AppendBytes(start + i, values.Bytes(i));
                break;
        }
    }

    internal void AppendList(int row, FeatureListView list)
    {
        var step = RowStart(row);
        var value = (int)_stepSplits.Span[step];
        foreach (var feature in list)
        {
            if (feature.Kind != _plan.Kind && (feature.Kind != FeatureKind.None || _plan.IsFixedStep))
                throw new ExampleException($"the values of a step are {feature.Kind}, expected {_plan.Kind}");
            if (feature.Kind != FeatureKind.None) value += AppendValues(value, feature);
            _stepSplits.Reserve(++step + 1)[step] = value;
        }
        EndRow(row, step);
    }

    /// <summary>Appends a value of another slot of the same kind to the row that is being added.</summary>
    internal void AppendValue(int index, FeatureSlot source, int sourceIndex)
    {
        switch (_plan.Kind)
        {
            case FeatureKind.Int64: _int64s.Reserve(index + 1)[index] = source._int64s.Span[sourceIndex]; break;
            case FeatureKind.Float: _floats.Reserve(index + 1)[index] = source._floats.Span[sourceIndex]; break;
            default: AppendBytes(index, source.Bytes(sourceIndex)); break;
        }
    }

    internal void EndRow(int row, int end) => _splits.Reserve(row + 2)[row + 1] = end;

    public void Dispose()
    {
        _int64s.Dispose();
        _floats.Dispose();
        _data.Dispose();
        _offsets.Dispose();
        _splits.Dispose();
        _stepSplits.Dispose();
    }

    // From the value at start on; gives the number of values.
    private int AppendValues(int start, FeatureView feature)
    {
        var limit = _plan.IsFixed || _plan.IsFixedStep ? _plan.Count : feature.CountLimit;
        bool fits;
        int count;
        switch (_plan.Kind)
        {
            case FeatureKind.Int64:
                fits = feature.TryCopyTo(_int64s.Reserve((long)start + limit).Slice(start, limit), out count);
                break;
            case FeatureKind.Float:
                fits = feature.TryCopyTo(_floats.Reserve((long)start + limit).Slice(start, limit), out count);
                break;
            default:
                if (feature.TryGetSingleBytes(out var only) && limit > 0)
                {
                    AppendBytes(start, only);
                    (fits, count) = (true, 1);
                    break;
                }
                (fits, count) = (true, 0);
                foreach (var bytes in feature.EnumerateBytes())
                {
                    if (fits = count < limit) AppendBytes(start + count++, bytes);
                    if (!fits) break;
                }
                break;
        }
        if (!fits || (limit != count && (_plan.IsFixed || _plan.IsFixedStep)))
            throw new ExampleException($"it has {feature.Count} values, expected {_plan.Count}");
        return count;
    }

    private void AppendBytes(int index, ReadOnlySpan<byte> bytes)
    {
        var offsets = _offsets.Reserve((long)index + 2);
        var at = offsets[index];
        bytes.CopyTo(_data.Reserve((long)at + bytes.Length)[at..]);
        offsets[index + 1] = at + bytes.Length;
    }
}
