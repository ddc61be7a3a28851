namespace Fovea.Cli.Eval;

/// <summary>How labels are written.</summary>
internal enum LabelFormat
{
    /// <summary>One JSON file (COCO).</summary>
    Coco,

    /// <summary>A folder of XML files (PASCAL VOC).</summary>
    Voc,

    /// <summary>One text file (WIDER FACE).</summary>
    Wider,

    /// <summary>A folder of text files (YOLO).</summary>
    Yolo,
}
