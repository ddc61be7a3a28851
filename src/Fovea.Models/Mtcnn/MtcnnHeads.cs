namespace Fovea.Models.Mtcnn;

/// <summary>The common end of R-Net and O-Net.</summary>
internal static class MtcnnHeads
{
    /// <summary>Writes the heads and turns the first two columns into probabilities.</summary>
    public static void Run(DeviceStream stream, LinearLayer heads, DeviceTensor features, DeviceTensor outputs)
    {
        heads.Forward(stream, features, outputs);
        var classes = outputs.Columns(0, 2);
        Kernels.Softmax(stream, new SoftmaxOptions { Axis = -1 }, classes, classes);
    }
}
