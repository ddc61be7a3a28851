namespace Fovea.Detection.Systems;

/// <summary>What the first networks of a cascade let through.</summary>
internal sealed class MtcnnMiner(DeviceStream stream, MtcnnModel model, MtcnnOptions options)
{
    /// <summary>The windows of an image [1][H][W][3] u8 that R-Net or O-Net looks at.</summary>
    public List<MtcnnWindow> Windows(DeviceTensor image, MtcnnStage stage)
    {
        var cascade = new MtcnnCascade(model, options, image);
        using var refinements = cascade.Refinements(stream);
        using var refinementCount = MtcnnCascade.Counter(stream);
        cascade.RecordProposals(stream, refinements, refinementCount);
        if (stage == MtcnnStage.Refinement) return Read(refinements, refinementCount);
        using var outputs = cascade.Outputs(stream);
        using var outputCount = MtcnnCascade.Counter(stream);
        cascade.RecordRefinements(stream, refinements, refinementCount, outputs, outputCount);
        return Read(outputs, outputCount);
    }

    private List<MtcnnWindow> Read(DeviceTensor table, DeviceTensor count)
    {
        var rows = count.ToArray<int>(stream)[0];
        var windows = new List<MtcnnWindow>(rows);
        if (rows == 0) return windows;
        var columns = (int)table.Shape[1];
        var values = table.Rows(0, rows).ToArray<float>(stream);
        for (var i = 0; i < values.Length; i += columns)
        {
            var window = new MtcnnWindow((int)values[i], (int)values[i + 1], (int)values[i + 2], (int)values[i + 3]);
            if (window.X2 >= window.X1 && window.Y2 >= window.Y1) windows.Add(window);
        }
        return windows;
    }
}
