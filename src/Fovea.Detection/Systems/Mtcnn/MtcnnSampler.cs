using Fovea.Data;
using Fovea.Models.Mtcnn;

namespace Fovea.Detection.Systems;

/// <summary>Draws windows of an image at random, as MTCNN's training does.</summary>
internal static class MtcnnSampler
{
    /// <summary>Square windows anywhere in the image, from P-Net's size to half of the image.</summary>
    public static IEnumerable<MtcnnWindow> Anywhere(Random random, int width, int height, int count)
    {
        var largest = Math.Max(ProposalNet.Window, Math.Min(width, height) / 2);
        if (Math.Min(width, height) < ProposalNet.Window) yield break;
        for (var i = 0; i < count; i++)
        {
            var side = random.Next(ProposalNet.Window, largest + 1);
            var (x, y) = (random.Next(width - side + 1), random.Next(height - side + 1));
            yield return new MtcnnWindow(x + 1, y + 1, x + side, y + side);
        }
    }

    /// <summary>Square windows around a face: sides of 0.8 to 1.25 of its own, centres moved by <paramref name="shift"/> of them at most. They
    /// may lie beyond the image.</summary>
    public static IEnumerable<MtcnnWindow> Around(Random random, LabelledObject face, int count, double shift = 0.2)
    {
        double width = face.X2 - face.X1, height = face.Y2 - face.Y1;
        for (var i = 0; i < count; i++)
        {
            var side = Math.Max(2, (int)Math.Round(Between(0.8 * Math.Min(width, height), 1.25 * Math.Max(width, height))));
            var x = (int)Math.Round(face.X1 + width / 2 + Between(-shift, shift) * width - side / 2.0);
            var y = (int)Math.Round(face.Y1 + height / 2 + Between(-shift, shift) * height - side / 2.0);
            yield return new MtcnnWindow(x + 1, y + 1, x + side, y + side);
        }

        double Between(double from, double to) => from + random.NextDouble() * (to - from);
    }
}
