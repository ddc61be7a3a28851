namespace Fovea.Models.BlazeFace;

/// <summary>BlazeFace (Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019): a detector with fixed
/// anchors that finds faces and six points of each. Weights as MediaPipe publishes them.</summary>
/// <remarks>Immutable after construction, so any number of streams of the same device may use it at once.</remarks>
public abstract class BlazeFaceNet : IDisposable
{
    /// <summary>Points of a face: right eye, left eye, nose, mouth, right ear, left ear, as the person has them.</summary>
    public const int Points = 6;

    /// <summary>Columns of the regressors: centre x, centre y, width, height, then x and y of the points, all in pixels of the input;
    /// positions relative to the anchor's centre.</summary>
    public const int Outputs = 4 + 2 * Points;

    private protected BlazeFaceNet()
    {
    }

    /// <summary>Side of the input in pixels.</summary>
    public abstract int InputSize { get; }

    /// <summary>Number of anchors.</summary>
    public int Anchors => Levels.Sum(l => l.Cells * l.Cells * l.PerCell);

    // Cells along a side of each map, and anchors in a cell.
    private protected abstract IReadOnlyList<(int Cells, int PerCell)> Levels { get; }

    /// <summary>Enqueues the network.</summary>
    /// <param name="stream">Where.</param>
    /// <param name="image"><c>[1, size, size, 3]</c> RGB, <c>value / 127.5 - 1</c>.</param>
    /// <param name="regressors">Receives <c>[anchors, 16]</c>.</param>
    /// <param name="scores">Receives <c>[anchors, 1]</c>: logits.</param>
    public abstract void Forward(DeviceStream stream, DeviceTensor image, DeviceTensor regressors, DeviceTensor scores);

    /// <summary>Centres of the anchors in pixels of the input, x and y in turn: the middles of the cells, row by row.</summary>
    public float[] AnchorCentres()
    {
        var centres = new List<float>(2 * Anchors);
        foreach (var (cells, perCell) in Levels)
        {
            float step = (float)InputSize / cells;
            for (int i = 0; i < cells * cells * perCell; i++)
            {
                int cell = i / perCell;
                centres.Add((cell % cells + 0.5f) * step);
                centres.Add((cell / cells + 0.5f) * step);
            }
        }

        return [.. centres];
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    // A head's map [1, cells, cells, perCell * width] is a run of rows of a table: the convolution writes into it.
    internal static void Head(DeviceStream stream, Conv2DLayer head, DeviceTensor features, DeviceTensor table, int firstAnchor, (int Cells, int PerCell) level)
    {
        var rows = table.Rows(firstAnchor, level.Cells * level.Cells * level.PerCell);
        head.Forward(stream, features, rows.Reshape(1, level.Cells, level.Cells, level.PerCell * table.Shape[1]));
    }
}
