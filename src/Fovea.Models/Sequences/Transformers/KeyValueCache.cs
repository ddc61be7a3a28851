namespace Fovea.Models.Sequences.Transformers;

/// <summary>Keys and values of one attention for a batch of streams, at fixed addresses so that a captured step can use
/// them.</summary>
internal sealed class KeyValueCache : IDisposable
{
    private readonly DeviceTensor _keys; // [streams * capacity][groups * head size]
    private readonly DeviceTensor _values;
    private readonly long _streams, _capacity, _groups, _headSize;

    public KeyValueCache(DeviceStream stream, TransformerOptions options, int streams, int capacity)
    {
        (_streams, _capacity, _groups, _headSize) = (streams, capacity, options.Groups, options.HeadSize);
        _keys = DeviceTensor.Allocate(stream, DType.Float32, _streams * _capacity, _groups * _headSize);
        _values = DeviceTensor.Allocate(stream, DType.Float32, _streams * _capacity, _groups * _headSize);
        Clear(stream, 0, streams);
    }

    /// <summary>Keys and values of streams [first, first + count): [count][capacity][groups][head size].</summary>
    public (DeviceTensor Keys, DeviceTensor Values) Of(int first, int count) => (Of(_keys, first, count), Of(_values, first, count));

    /// <summary>Zeroes streams [first, first + count), which <see cref="Append"/> asks for.</summary>
    public void Clear(DeviceStream stream, int first, int count) => ClearRows(stream, first * _capacity, count * _capacity);

    /// <summary>Zeroes positions [position, position + count) of one stream.</summary>
    public void Clear(DeviceStream stream, int of, int position, int count) => ClearRows(stream, of * _capacity + position, count);

    /// <summary>Enqueues k and v [n][groups * head size] to rows that are 0: row s * capacity + p is position p of stream s, a row of
    /// -1 is nowhere. The rows are read on the device, so one captured call serves every position.</summary>
    public void Append(DeviceStream stream, DeviceTensor k, DeviceTensor v, DeviceTensor rows)
    {
        Kernels.ScatterAddRows(stream, k, rows, _keys);
        Kernels.ScatterAddRows(stream, v, rows, _values);
    }

    /// <summary>Enqueues that stream s goes on from the past of stream parents[s], i32 [streams].</summary>
    public void Reorder(DeviceStream stream, DeviceTensor parents)
    {
        Reorder(stream, _keys, parents);
        Reorder(stream, _values, parents);
    }

    public void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
    }

    private void ClearRows(DeviceStream stream, long row, long count)
    {
        if (count == 0) return;
        _keys.Rows(row, count).Fill(stream, 0);
        _values.Rows(row, count).Fill(stream, 0);
    }

    private DeviceTensor Of(DeviceTensor whole, int first, int count) =>
        whole.Rows(first * _capacity, count * _capacity).Reshape(count, _capacity, _groups, _headSize);

    private void Reorder(DeviceStream stream, DeviceTensor whole, DeviceTensor parents)
    {
        var table = whole.Reshape(_streams, _capacity * _groups * _headSize);
        using var moved = DeviceTensor.Allocate(stream, DType.Float32, table.Shape);
        Kernels.GatherRows(stream, table, parents, moved);
        Kernels.Copy(stream, moved, table);
    }
}
