namespace Fovea.Data;

public sealed partial class ExampleColumn
{
    /// <summary>Copies the column to a device: FixedLen as [rows, shape], FixedLenSequence padded as <see cref="DenseShape"/>
    /// says, the others as their values [count]. Nothing waits: the batch must be left as it is until the stream has passed the
    /// copy.</summary>
    /// <exception cref="InvalidOperationException">The values are byte strings, or the batch was made without a
    /// device.</exception>
    public DeviceTensor ToTensor(DeviceStream stream)
    {
        var isPadded = Spec is FixedLenSequenceFeature;
        ReadOnlySpan<long> shape = isPadded || Spec is FixedLenFeature ? DenseShape : [Count];
        if (Kind == FeatureKind.Int64)
        {
            if (isPadded) _ = PaddedInt64s;
            return Copy(stream, DType.Int64, (isPadded ? _derived.PaddedInt64s : _values.Int64s).Pinned, shape);
        }
        if (isPadded) _ = PaddedFloats;
        return Copy(stream, DType.Float32, (isPadded ? _derived.PaddedFloats : Require(FeatureKind.Float)._values.Floats).Pinned, shape);
    }

    /// <summary>Copies <see cref="RowSplits"/> to a device, under the rules of <see cref="ToTensor"/>.</summary>
    public DeviceTensor RowSplitsToTensor(DeviceStream stream)
    {
        var count = RowSplits.Length;
        return Copy(stream, DType.Int64, (_parts.Length > 0 && _derived.Sparse is null ? _parts[0] : _values).Splits.Pinned, [count]);
    }

    /// <summary>Copies <see cref="Indices"/> to a device as [count, rank], under the rules of <see cref="ToTensor"/>.</summary>
    public DeviceTensor IndicesToTensor(DeviceStream stream) =>
        Copy(stream, DType.Int64, IndicesBuffer().Pinned, [Count, _shape.Length]);

    private static DeviceTensor Copy(DeviceStream stream, DType dtype, PinnedBuffer source, ReadOnlySpan<long> shape)
    {
        var tensor = DeviceTensor.Allocate(stream, dtype, shape);
        try
        {
            if (tensor.ElementCount > 0) tensor.CopyFrom(stream, source);
            return tensor;
        }
        catch
        {
            tensor.Dispose();
            throw;
        }
    }
}
