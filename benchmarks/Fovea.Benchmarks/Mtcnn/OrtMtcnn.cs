using System.Diagnostics;
using Fovea.Bench.Peers.Ort;
using Fovea.Data;

namespace Fovea.Benchmarks.Mtcnn;

/// <summary>The MTCNN cascade on ONNX Runtime as a careful C# programmer writes it: native buffers bound once, batched crops, reused
/// arrays, no NamedOnnxValue. Box arithmetic follows facenet's <c>detect_face</c>, as Fovea's does.</summary>
internal sealed class OrtMtcnn : IDisposable
{
    private const int Cell = 12, Stride = 2, Points = 5;

    private readonly PeerOptions _options;
    private readonly PeerPixels _pixels;
    private readonly OrtNet _proposal;
    private readonly OrtLevel[] _levels;
    private readonly OrtCropNet _refinement, _output;
    private readonly Suppression _suppression;
    private readonly Candidate[] _windows, _proposals, _boxes;
    private readonly PeerFace.FacePoints[] _points;
    private readonly int[] _keep;

    /// <param name="store">Where the weights are.</param>
    /// <param name="width">Width of the images.</param>
    /// <param name="height">Height of the images.</param>
    /// <param name="scales">Scales of the pyramid.</param>
    /// <param name="options">Thresholds, capacities, threads.</param>
    public OrtMtcnn(ModelStore store, int width, int height, double[] scales, PeerOptions options)
    {
        _options = options;
        _pixels = new PeerPixels(options.Threads, width, height, scales, options.Batch, 24, 48);
        _proposal = new OrtNet(MtcnnOnnx.Proposal(store.LoadTflite("mtcnn", "pnet.tflite")), options.Threads);
        _levels = [.. scales.Select((scale, k) => new OrtLevel(_proposal, scale, _pixels.LevelSize(k).Height, _pixels.LevelSize(k).Width))];
        _refinement = new OrtCropNet(MtcnnOnnx.Refinement(store.LoadTflite("mtcnn", "rnet.tflite")), options.Threads, 24, options.Batch, 2, 4);
        _output = new OrtCropNet(MtcnnOnnx.Output(store.LoadTflite("mtcnn", "onet.tflite")), options.Threads, 48, options.Batch, 2, 4, 2 * Points);

        int cells = Math.Max(_levels.Max(level => level.MapHeight * level.MapWidth), options.MaxProposals);
        _windows = new Candidate[cells];
        _suppression = new Suppression(cells);
        _proposals = new Candidate[options.MaxProposals];
        _boxes = new Candidate[options.MaxProposals];
        _keep = new int[options.MaxProposals];
        _points = new PeerFace.FacePoints[options.MaxDetections];
    }

    /// <summary>Stopwatch ticks that the last call spent on pixels: copy, pyramid, crops, NCHW.</summary>
    public long PreprocessingTicks { get; private set; }

    /// <summary>Finds faces in an RGB image of the size given at construction; returns how many, best first.</summary>
    public int Detect(ReadOnlySpan<byte> rgb, Span<PeerFace> faces)
    {
        long start = Stopwatch.GetTimestamp();
        _pixels.Load(rgb);
        PreprocessingTicks = Stopwatch.GetTimestamp() - start;

        int proposals = 0;
        for (int k = 0; k < _levels.Length; k++) proposals = Propose(k, proposals);
        int boxes = Merge(proposals);
        boxes = Refine(boxes);
        return Output(boxes, faces);
    }

    public void Dispose()
    {
        foreach (var level in _levels) level.Dispose();
        _proposal.Dispose();
        _refinement.Dispose();
        _output.Dispose();
        _pixels.Dispose();
    }

    /// <summary>P-Net over one level; the windows that survive suppression are appended to the proposals.</summary>
    private int Propose(int k, int proposals)
    {
        var level = _levels[k];
        long start = Stopwatch.GetTimestamp();
        _pixels.Level(k, level.Input);
        PreprocessingTicks += Stopwatch.GetTimestamp() - start;
        level.Run();

        int windows = 0, cells = level.MapHeight * level.MapWidth;
        ReadOnlySpan<float> faces = level.Faces, regression = level.Regression;
        for (int cell = 0; cell < faces.Length; cell++)
        {
            if (!(faces[cell] >= _options.ProposalThreshold)) continue;
            int x = Stride * (cell % level.MapWidth), y = Stride * (cell / level.MapWidth);
            _windows[windows++] = new Candidate
            {
                X1 = (float)Math.Truncate((x + 1) / level.Scale),
                Y1 = (float)Math.Truncate((y + 1) / level.Scale),
                X2 = (float)Math.Truncate((x + Cell) / level.Scale),
                Y2 = (float)Math.Truncate((y + Cell) / level.Scale),
                Score = faces[cell],
                Dx1 = regression[cell],
                Dy1 = regression[cells + cell],
                Dx2 = regression[2 * cells + cell],
                Dy2 = regression[3 * cells + cell],
            };
        }

        int kept = _suppression.Run(_windows.AsSpan(0, windows), float.NegativeInfinity, _options.MaxWindowsPerLevel, 0.5f, smaller: false, _keep);
        for (int i = 0; i < kept && proposals < _proposals.Length; i++) _proposals[proposals++] = _windows[_keep[i]];
        return proposals;
    }

    /// <summary>Suppression across levels, P-Net's regression, squares.</summary>
    private int Merge(int proposals)
    {
        int kept = _suppression.Run(_proposals.AsSpan(0, proposals), float.NegativeInfinity, proposals, 0.7f, smaller: false, _keep);
        for (int i = 0; i < kept; i++)
        {
            _boxes[i] = _proposals[_keep[i]];
            _boxes[i].Regress(one: 0);
            _boxes[i].Square();
        }

        return kept;
    }

    /// <summary>R-Net, threshold, suppression, regression, squares.</summary>
    private int Refine(int boxes)
    {
        RunCrops(_refinement, boxes);
        int kept = _suppression.Run(_boxes.AsSpan(0, boxes), _options.RefinementThreshold, boxes, 0.7f, smaller: false, _keep.AsSpan(0, _options.MaxDetections));
        for (int i = 0; i < kept; i++)
        {
            _proposals[i] = _boxes[_keep[i]];
            _proposals[i].Regress(one: 1);
            _proposals[i].Square();
        }

        _proposals.AsSpan(0, kept).CopyTo(_boxes);
        return kept;
    }

    /// <summary>O-Net, landmarks from the boxes before regression, regression, threshold, suppression by the smaller area.</summary>
    private int Output(int boxes, Span<PeerFace> faces)
    {
        RunCrops(_output, boxes);
        for (int i = 0; i < boxes; i++) _boxes[i].Regress(one: 1);
        int kept = _suppression.Run(_boxes.AsSpan(0, boxes), _options.OutputThreshold, boxes, 0.7f, smaller: true, _keep);
        kept = Math.Min(kept, faces.Length);
        for (int i = 0; i < kept; i++)
        {
            var box = _boxes[_keep[i]];
            faces[i] = new PeerFace { X1 = box.X1 - 1, Y1 = box.Y1 - 1, X2 = box.X2 - 1, Y2 = box.Y2 - 1, Score = box.Score, Points = _points[_keep[i]] };
        }

        return kept;
    }

    /// <summary>Runs a network on the crops of the first <paramref name="count"/> boxes and writes its scores and deltas to them.</summary>
    private void RunCrops(OrtCropNet net, int count)
    {
        for (int from = 0; from < count; from += net.Batch)
        {
            var boxes = _boxes.AsSpan(from, Math.Min(net.Batch, count - from));
            long start = Stopwatch.GetTimestamp();
            _pixels.Crops(boxes, net.Window, net.Input);
            PreprocessingTicks += Stopwatch.GetTimestamp() - start;
            net.Run(boxes.Length);
            ReadOnlySpan<float> classes = net.Output(0), deltas = net.Output(1);
            for (int i = 0; i < boxes.Length; i++)
            {
                boxes[i].Score = classes[2 * i + 1];
                (boxes[i].Dx1, boxes[i].Dy1, boxes[i].Dx2, boxes[i].Dy2) = (deltas[4 * i], deltas[4 * i + 1], deltas[4 * i + 2], deltas[4 * i + 3]);
            }

            if (net == _output) ReadPoints(boxes, from);
        }
    }

    private void ReadPoints(ReadOnlySpan<Candidate> boxes, int from)
    {
        var points = _output.Output(2);
        for (int i = 0; i < boxes.Length; i++)
        {
            float w = boxes[i].X2 - boxes[i].X1 + 1, h = boxes[i].Y2 - boxes[i].Y1 + 1;
            for (int p = 0; p < Points; p++)
            {
                _points[from + i][2 * p] = w * points[2 * Points * i + p] + boxes[i].X1 - 1;
                _points[from + i][2 * p + 1] = h * points[2 * Points * i + Points + p] + boxes[i].Y1 - 1;
            }
        }
    }
}
