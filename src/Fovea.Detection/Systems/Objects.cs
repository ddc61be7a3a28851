using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Labels as inputs 0 (boxes [B][M][4]) and 1 (classes [B][M]) of an operation that assigns them.</summary>
internal static class Objects
{
    /// <summary>The boxes of an image's objects: the places in front of the first empty one.</summary>
    public static ReadOnlySpan<float> Of(HostTensors tensors, int image)
    {
        var places = (int)tensors.InputShape(1)[1];
        var classes = tensors.Input<int>(1).Slice(image * places, places);
        var count = classes.IndexOfAnyInRange(int.MinValue, -1);
        return tensors.Input<float>(0).Slice(4 * image * places, 4 * (count < 0 ? places : count));
    }
}
