using Fovea.Training;

namespace Fovea.Models.Sequences.Transformers;

/// <summary>Rotates element pairs (i, i + D/2) of each head by position * base^(-2i/D) (Su et al., "RoFormer", 2021): the product of a
/// rotated query and a rotated key depends on their distance alone.</summary>
public sealed class RotaryPositions : Module
{
    /// <summary>Computes the angles, in double precision.</summary>
    /// <param name="stream">Where the tables live.</param>
    /// <param name="name">Path inside the model.</param>
    /// <param name="headSize">D, even.</param>
    /// <param name="maxLength">Positions.</param>
    /// <param name="frequencyBase">By habit 10000.</param>
    public RotaryPositions(DeviceStream stream, string name, int headSize, int maxLength, double frequencyBase)
        : base(name)
    {
        var half = headSize / 2;
        var (cosines, sines) = (new float[maxLength * half], new float[maxLength * half]);
        for (var position = 0; position < maxLength; position++)
            for (var i = 0; i < half; i++)
            {
                var (sine, cosine) = Math.SinCos(position * Math.Pow(frequencyBase, -2.0 * i / headSize));
                (cosines[position * half + i], sines[position * half + i]) = ((float)cosine, (float)sine);
            }
        Cosines = AddBuffer("cosines", DeviceTensor.From<float>(stream, cosines, maxLength, half));
        Sines = AddBuffer("sines", DeviceTensor.From<float>(stream, sines, maxLength, half));
    }

    /// <summary>[positions][D/2].</summary>
    public DeviceTensor Cosines { get; }

    /// <summary>[positions][D/2].</summary>
    public DeviceTensor Sines { get; }

    /// <summary>Rotates x [B][L][H][D], whose first position is 0.</summary>
    public override Value Forward(Value x)
    {
        var (length, half) = (x.Shape[1], x.Shape[3] / 2);
        var cosine = x.Tape.Input(Cosines).Rows(0, length).Reshape(length, 1, half);
        var sine = x.Tape.Input(Sines).Rows(0, length).Reshape(length, 1, half);
        var (a, b) = (x.Columns(0, half), x.Columns(half, half));
        return a.Multiply(cosine).Subtract(b.Multiply(sine)).Concat(b.Multiply(cosine).Add(a.Multiply(sine)));
    }

    /// <summary>Enqueues the rotation of x [B][L][H][D] into y of its shape; cosines and sines [B][L][1][D/2] are rows of the
    /// tables.</summary>
    internal static void Rotate(DeviceStream stream, DeviceTensor x, DeviceTensor cosine, DeviceTensor sine, DeviceTensor y)
    {
        var half = x.Shape[^1] / 2;
        DeviceTensor a = x.Columns(0, half), b = x.Columns(half, half), low = y.Columns(0, half), high = y.Columns(half, half);
        using var product = DeviceTensor.Allocate(stream, DType.Float32, a.Shape);
        Kernels.Binary(stream, BinaryOp.Mul, b, sine, product);
        Kernels.Binary(stream, BinaryOp.Mul, a, cosine, low);
        Kernels.Binary(stream, BinaryOp.Sub, low, product, low);
        Kernels.Binary(stream, BinaryOp.Mul, a, sine, product);
        Kernels.Binary(stream, BinaryOp.Mul, b, cosine, high);
        Kernels.Binary(stream, BinaryOp.Add, high, product, high);
    }
}
