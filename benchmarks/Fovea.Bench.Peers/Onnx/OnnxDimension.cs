namespace Fovea.Bench.Peers.Onnx;

/// <summary>One dimension of a declared shape: a size, or a name when the size is known only at run time.</summary>
internal readonly record struct OnnxDimension(long Size, string? Name)
{
    public static implicit operator OnnxDimension(int size) => new(size, null);

    public static implicit operator OnnxDimension(string name) => new(0, name);
}
