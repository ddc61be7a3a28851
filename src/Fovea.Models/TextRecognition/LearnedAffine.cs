namespace Fovea.Models.TextRecognition;

/// <summary>x * Scale + Shift with two numbers for a whole tensor: what PP-LCNetV3 learns behind each convolution and activation.</summary>
internal readonly record struct LearnedAffine(float Scale, float Shift)
{
    public static LearnedAffine Identity => new(1, 0);

    /// <summary>Enqueues it in place.</summary>
    public void Apply(DeviceStream stream, DeviceTensor x) => Kernels.Affine(stream, Scale, Shift, x, x);
}
