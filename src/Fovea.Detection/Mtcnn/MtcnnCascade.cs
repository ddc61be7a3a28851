using Fovea.Models.Mtcnn;

namespace Fovea.Detection;

/// <summary>Records the whole cascade for one image size: pyramid, P-Net per level, R-Net and O-Net over batched crops, suppression
/// between them. Counts stay on the device.</summary>
/// <remarks>Inside, boxes are 1-based inclusive pixels, as in facenet's <c>detect_face</c>; the very end makes them 0-based. The
/// zero-based convention differs only in where P-Net's windows start and in the rounding, because every later step moves with a
/// shift of the boxes.</remarks>
internal sealed class MtcnnCascade
{
    // Rows that R-Net and O-Net take at once: large enough to fill the kernels, small enough that activations stay in cache.
    private const int Chunk = 32;

    // (value - 127.5) / 128, as the networks were trained; padding is 0 before it.
    private const float PixelScale = 0.0078125f;
    private const float PixelOffset = -127.5f * PixelScale;

    // Columns of the row tables. P: box, score, deltas. R: box, class scores, deltas. O: box, class scores, deltas, points.
    private const int ProposalColumns = 9, RefinementColumns = 4 + RefinementNet.Outputs, OutputColumns = 4 + OutputNet.Outputs;

    private static readonly BoxDeltasOptions InclusiveDeltas = new() { Mode = DeltaMode.Corners, PlusOne = true };

    private readonly MtcnnOptions _options;
    private readonly MtcnnModel _model;
    private readonly DeviceTensor _image;

    public MtcnnCascade(MtcnnModel model, MtcnnOptions options, DeviceTensor image)
    {
        _model = model;
        _options = options;
        _image = image;
    }

    private int Width => (int)_image.Shape[2];

    private int Height => (int)_image.Shape[1];

    private bool IsFacenet => _options.Convention == MtcnnConvention.Facenet;

    private Rounding Rounding => IsFacenet ? Rounding.Truncate : Rounding.Nearest;

    private ResizeOptions Resampling => Crop(_options.Resampling).Resize;

    /// <summary>How R-Net's and O-Net's windows are cut out of the image; P-Net's are resampled alike.</summary>
    public static CropResizeOptions Crop(ResizeMode resampling) =>
        new() { Resize = new ResizeOptions { Mode = resampling, Scale = PixelScale, Offset = PixelOffset }, PlusOne = true };

    public void Record(DeviceStream stream, DeviceTensor results, DeviceTensor count)
    {
        using var refinements = Refinements(stream);
        using var refinementCount = Counter(stream);
        RecordProposals(stream, refinements, refinementCount);
        using var outputs = Outputs(stream);
        using var outputCount = Counter(stream);
        RecordRefinements(stream, refinements, refinementCount, outputs, outputCount);
        RecordCrops(stream, outputs, outputCount, OutputNet.Window, _model.Output.Forward);
        RecordResults(stream, outputs, outputCount, results, count);
    }

    /// <summary>P-Net over the pyramid: the boxes that R-Net looks at, in the first columns of <see cref="Refinements"/>.</summary>
    public void RecordProposals(DeviceStream stream, DeviceTensor refinements, DeviceTensor count)
    {
        using var proposals = DeviceTensor.Allocate(stream, DType.Float32, _options.MaxProposals, ProposalColumns);
        using var proposalCount = Counter(stream);
        foreach (double scale in ImagePyramid.Scales(Width, Height, _options.MinFace, ProposalNet.Window, _options.Factor))
            RecordLevel(stream, scale, proposals, proposalCount);
        RecordMerge(stream, proposals, proposalCount, refinements, count);
    }

    /// <summary>R-Net: the boxes that O-Net looks at, in the first columns of <see cref="Outputs"/>.</summary>
    public void RecordRefinements(DeviceStream stream, DeviceTensor refinements, DeviceTensor refinementCount, DeviceTensor outputs, DeviceTensor count)
    {
        RecordCrops(stream, refinements, refinementCount, RefinementNet.Window, _model.Refinement.Forward);
        RecordRefine(stream, refinements, refinementCount, outputs, count);
    }

    /// <summary>Room for what goes into R-Net and comes out.</summary>
    public DeviceTensor Refinements(DeviceStream stream) => DeviceTensor.Allocate(stream, DType.Float32, _options.MaxProposals, RefinementColumns);

    /// <summary>Room for what goes into O-Net and comes out.</summary>
    public DeviceTensor Outputs(DeviceStream stream) => DeviceTensor.Allocate(stream, DType.Float32, _options.MaxDetections, OutputColumns);

    /// <summary>A count of 0.</summary>
    public static DeviceTensor Counter(DeviceStream stream)
    {
        var counter = DeviceTensor.Allocate(stream, DType.Int32, 1);
        counter.Fill(stream, 0);
        return counter;
    }

    /// <summary>One pyramid level: area resize with normalisation, P-Net over the whole level, windows above the threshold, suppression
    /// within the level, survivors appended to <paramref name="proposals"/>.</summary>
    private void RecordLevel(DeviceStream stream, double scale, DeviceTensor proposals, DeviceTensor count)
    {
        int height = ImagePyramid.ScaledSize(Height, scale), width = ImagePyramid.ScaledSize(Width, scale);
        using var level = DeviceTensor.Allocate(stream, DType.Float32, 1, height, width, 3);
        Kernels.Resize(stream, Resampling, _image, level);
        using var map = _model.Proposal.Forward(stream, level);
        var cells = map.Reshape(map.Shape[1], map.Shape[2], ProposalNet.Outputs);
        var score = cells.Columns(1, 1);
        var deltas = cells.Columns(2, 4);

        long capacity = Math.Min(cells.Shape[0] * cells.Shape[1], _options.MaxWindowsPerLevel);
        using var windows = DeviceTensor.Allocate(stream, DType.Float32, capacity, ProposalColumns);
        using var windowCount = DeviceTensor.Allocate(stream, DType.Int32, 1);
        var grid = new GridProposalsOptions
        {
            Threshold = _options.PNetThreshold,
            Stride = ProposalNet.Stride,
            Cell = ProposalNet.Window,
            // Counting from 1, the first window starts at (0 + 1) / scale; counting from 0, it is that plus one.
            Origin = IsFacenet ? 1 : 1 + (float)scale,
            ScaleX = (float)scale,
            ScaleY = (float)scale,
            PlusOne = true,
            Rounding = Rounding,
        };
        Kernels.GridProposals(stream, grid, score, deltas, windows, windowCount);
        Suppress(stream, windows, 4, windowCount, new NmsOptions { IouThreshold = 0.5f, PlusOne = true }, proposals, count);
    }

    /// <summary>Suppression across levels, P-Net's regression, squares: the boxes that R-Net looks at.</summary>
    private void RecordMerge(DeviceStream stream, DeviceTensor proposals, DeviceTensor proposalCount, DeviceTensor refinements, DeviceTensor count)
    {
        using var kept = DeviceTensor.Allocate(stream, DType.Float32, _options.MaxProposals, ProposalColumns);
        Suppress(stream, proposals, 4, proposalCount, new NmsOptions { IouThreshold = 0.7f, PlusOne = true }, kept, count);
        var live = kept.WithLive(count);
        var boxes = live.Columns(0, 4);
        var deltas = live.Columns(5, 4);
        Kernels.BoxDeltas(stream, InclusiveDeltas with { PlusOne = !IsFacenet }, boxes, deltas, boxes);
        var squares = refinements.Columns(0, 4);
        Kernels.BoxSquare(stream, Rounding, boxes, squares);
    }

    /// <summary>R-Net's threshold, suppression, regression, squares: the boxes that O-Net looks at.</summary>
    private void RecordRefine(DeviceStream stream, DeviceTensor refinements, DeviceTensor refinementCount, DeviceTensor outputs, DeviceTensor count)
    {
        using var kept = DeviceTensor.Allocate(stream, DType.Float32, _options.MaxDetections, RefinementColumns);
        var nms = new NmsOptions { IouThreshold = 0.7f, ScoreThreshold = _options.RNetThreshold, PlusOne = true };
        Suppress(stream, refinements, 5, refinementCount, nms, kept, count);
        var live = kept.WithLive(count);
        var boxes = live.Columns(0, 4);
        var deltas = live.Columns(6, 4);
        Kernels.BoxDeltas(stream, InclusiveDeltas, boxes, deltas, boxes);
        var squares = outputs.Columns(0, 4);
        Kernels.BoxSquare(stream, Rounding, boxes, squares);
    }

    /// <summary>Cuts the boxes of a table out of the image in chunks and runs a network on each chunk, which writes its outputs behind
    /// the boxes. Chunks beyond the count cost next to nothing.</summary>
    private void RecordCrops(DeviceStream stream, DeviceTensor table, DeviceTensor count, int window, Action<DeviceStream, DeviceTensor, DeviceTensor> network)
    {
        long capacity = table.Shape[0], chunks = (capacity + Chunk - 1) / Chunk;
        using var counts = DeviceTensor.Allocate(stream, DType.Int32, chunks);
        Kernels.SplitCount(stream, Chunk, count, counts);
        var crop = Crop(_options.Resampling);
        for (int k = 0; k < chunks; k++)
        {
            long rows = Math.Min(Chunk, capacity - k * Chunk);
            var slice = table.Rows(k * Chunk, rows);
            var live = slice.WithLive(counts, k);
            var boxes = live.Columns(0, 4);
            using var crops = DeviceTensor.Allocate(stream, DType.Float32, rows, window, window, 3);
            Kernels.CropResize(stream, crop, _image, boxes, batchIndex: null, crops);
            var liveCrops = crops.WithLive(counts, k);
            var outputs = live.Columns(4, table.Shape[1] - 4);
            network(stream, liveCrops, outputs);
        }
    }

    /// <summary>Landmarks from the boxes before regression, O-Net's regression, threshold and suppression by the smaller area, 0-based
    /// pixels.</summary>
    private void RecordResults(DeviceStream stream, DeviceTensor outputs, DeviceTensor outputCount, DeviceTensor results, DeviceTensor count)
    {
        var live = outputs.WithLive(outputCount);
        var boxes = live.Columns(0, 4);
        var score = live.Columns(5, 1);
        var deltas = live.Columns(6, 4);
        var points = live.Columns(10, 2 * FaceLandmarks.Count);

        using var faces = DeviceTensor.Allocate(stream, DType.Float32, _options.MaxDetections, FaceDetection.Columns);
        var liveFaces = faces.WithLive(outputCount);
        var faceBoxes = liveFaces.Columns(0, 4);
        var faceScore = liveFaces.Columns(4, 1);
        var facePoints = liveFaces.Columns(5, 2 * FaceLandmarks.Count);
        Kernels.BoxPoints(stream, new BoxPointsOptions { PlusOne = true, Planar = true }, boxes, points, facePoints);
        Kernels.BoxDeltas(stream, InclusiveDeltas, boxes, deltas, faceBoxes);
        Kernels.Copy(stream, score, faceScore);

        count.Fill(stream, 0);
        var nms = new NmsOptions { IouThreshold = 0.7f, ScoreThreshold = _options.ONetThreshold, Overlap = Overlap.Min, PlusOne = true };
        Suppress(stream, faces, 4, outputCount, nms, results, count);

        var corners = results.WithLive(count).Columns(0, 4);
        Kernels.Affine(stream, 1, -1, corners, corners);
    }

    /// <summary>Greedy suppression over a row table (boxes in columns 0..3); the survivors, best first, are appended to
    /// <paramref name="target"/>.</summary>
    private static void Suppress(DeviceStream stream, DeviceTensor table, int scoreColumn, DeviceTensor valid, in NmsOptions options, DeviceTensor target, DeviceTensor targetCount)
    {
        var boxes = table.Columns(0, 4);
        var scores = table.Columns(scoreColumn, 1);
        using var keep = DeviceTensor.Allocate(stream, DType.Int32, table.Shape[0]);
        using var keepCount = DeviceTensor.Allocate(stream, DType.Int32, 1);
        Kernels.Nms(stream, options, boxes, scores, classes: null, valid, keep, keepCount);
        var live = keep.WithLive(keepCount);
        Kernels.AppendRows(stream, table, live, target, targetCount);
    }
}
