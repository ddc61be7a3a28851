using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>The network of YOLO v1 (Redmon, Divvala, Girshick, Farhadi, "You Only Look Once", 2016): an image becomes S by S cells, and each
/// cell names B boxes with confidences and one distribution over the classes.</summary>
public sealed class YoloV1Net : Module
{
    private readonly Backbone _backbone;
    private readonly Module _head;
    private readonly Dense? _last;

    private YoloV1Net(Backbone backbone, Module head, Dense? last, int side, int boxes, int classes) : base("")
    {
        (_backbone, _head, _last) = (Add(backbone), Add(head), last is null ? null : Add(last));
        (Side, Boxes, ClassCount) = (side, boxes, classes);
    }

    /// <summary>S.</summary>
    public int Side { get; }

    /// <summary>B, boxes per cell.</summary>
    public int Boxes { get; }

    /// <summary>C.</summary>
    public int ClassCount { get; }

    /// <summary>How <see cref="Forward"/> orders its numbers.</summary>
    public YoloV1Layout Layout => _last is null ? YoloV1Layout.PerCell : YoloV1Layout.Vector;

    /// <summary>The paper's: images of 448 pixels, 7x7 cells, two boxes; two dense layers behind 24 convolutions without
    /// normalisation.</summary>
    public static YoloV1Net Paper(Initializer init, int classes = 20)
    {
        const int side = 7, boxes = 2, hidden = 4096;
        // A dense layer over the whole map is a convolution as large as the map.
        var first = new ConvNormActivation(init, "fc1", new Conv2DOptions(1024, hidden, side), ConvStyle.Darknet with { Normalization = Normalization.None });
        var last = new Dense(init, "fc2", hidden, side * side * (5 * boxes + classes));
        return new YoloV1Net(Darknet.YoloV1(init, "backbone", Normalization.None), first, last, side, boxes, classes);
    }

    /// <summary>That of yolov1.cfg: batch normalisation, a locally connected layer and a dense one, three boxes per cell.</summary>
    public static YoloV1Net Configuration(Initializer init, int classes = 20)
    {
        const int side = 7, boxes = 3, hidden = 256;
        var local = new LocallyConnected(init, "local", side, side, 1024, hidden, 3, Activation.LeakyRelu(0.1f));
        var last = new Dense(init, "connected", side * side * hidden, side * side * (5 * boxes + classes));
        return new YoloV1Net(Darknet.YoloV1(init, "backbone", Normalization.Batch), local, last, side, boxes, classes);
    }

    /// <summary>For small images and short training: cells of 16 pixels, two boxes, and a convolution where the paper has dense layers, so
    /// that cells share what they learn.</summary>
    public static YoloV1Net Compact(Initializer init, int imageSize, int classes)
    {
        const int boxes = 2, stride = 16;
        if (imageSize < stride || imageSize % stride != 0) throw new ArgumentException($"an image size is a multiple of {stride}, not {imageSize}", nameof(imageSize));
        var backbone = new CompactResNet(init, "backbone", [24, 48, 96], firstLevel: 2);
        return new YoloV1Net(backbone, new PredictionConv(init, "head", 96, 5 * boxes + classes), last: null, imageSize / stride, boxes, classes);
    }

    /// <summary>The outputs by kind.</summary>
    public YoloV1Outputs Outputs(Value image) => YoloV1Outputs.Split(Forward(image), Layout, Side, Boxes, ClassCount);

    /// <summary>All S*S*(5*B + C) numbers of each image: [N][..] in <see cref="YoloV1Layout.Vector"/>, [N][S][S][5*B + C] in
    /// <see cref="YoloV1Layout.PerCell"/>.</summary>
    public override Value Forward(Value x)
    {
        var y = _head.Forward(_backbone.Forward(x));
        if (_last is null) return y;
        var hidden = y.Reshape(y.Shape[0], -1);
        return _last.Forward(IsTraining ? hidden.Dropout(0.5f) : hidden);
    }
}
