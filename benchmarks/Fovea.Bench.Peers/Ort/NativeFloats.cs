using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Fovea.Bench.Peers.Ort;

/// <summary>Native float memory, 64-byte aligned, that ONNX Runtime reads and writes in place. Zeroed at first, so that every page is
/// touched before anything is timed.</summary>
internal sealed unsafe class NativeFloats : IDisposable
{
    private const int Alignment = 64;

    private float* _data;

    public NativeFloats(long length)
    {
        Length = checked((int)length);
        _data = (float*)NativeMemory.AlignedAlloc(checked((nuint)length * sizeof(float)), Alignment);
        Span.Clear();
    }

    public int Length { get; }

    public Span<float> Span => new(_data, Length);

    /// <summary>A tensor over the first elements; it must not outlive this memory.</summary>
    public OrtValue Tensor(params long[] shape)
    {
        long elements = 1;
        foreach (long dimension in shape) elements *= dimension;
        if (elements > Length) throw new ArgumentException($"{elements} elements do not fit {Length}.", nameof(shape));
        return OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, TensorElementType.Float, shape, (nint)_data, elements * sizeof(float));
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_data);
        _data = null;
    }
}
