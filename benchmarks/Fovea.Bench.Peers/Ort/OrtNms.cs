using Fovea.Bench.Measure;
using Fovea.Bench.Peers.Onnx;
using Fovea.Bench.Workloads;

namespace Fovea.Bench.Peers.Ort;

/// <summary>NonMaxSuppression. How many boxes it keeps is known only afterwards, so its output cannot be bound in advance.</summary>
internal static class OrtNms
{
    public static Contestant Create(string peer, NmsWorkload w, int threads)
    {
        var graph = new OnnxBuilder("nms");
        string boxes = graph.Input("boxes", 1, w.Count, 4), scores = graph.Input("scores", 1, 1, w.Count);
        string limit = graph.Initializer("limit", w.Limit), iou = graph.Initializer("iou", [NmsWorkload.Threshold], 1);
        graph.IntegerOutput(graph.Node("NonMaxSuppression", "kept", [boxes, scores, limit, iou]), "n", 3);
        var model = new OrtModel(graph.Build(), threads, [(w.Boxes, [1, w.Count, 4]), (w.Scores, [1, 1, w.Count])], output: null);
        return new Contestant(peer, model.Run) { Read = () => Read(model, w.Limit), Owned = [model] };
    }

    // [n][batch, class, box], best first.
    private static float[] Read(OrtModel model, int limit)
    {
        using var outputs = model.Outputs();
        var triples = outputs[0].GetTensorDataAsSpan<long>();
        var keep = new float[limit];
        keep.AsSpan().Fill(-1);
        for (int i = 0; i < triples.Length / 3; i++) keep[i] = triples[3 * i + 2];
        return keep;
    }
}
