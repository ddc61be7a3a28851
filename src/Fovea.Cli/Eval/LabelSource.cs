using Fovea.Detection.Evaluation;

namespace Fovea.Cli.Eval;

/// <summary>Where labels come from, as the command line says it.</summary>
/// <param name="Path">A file, or a folder for VOC and YOLO.</param>
/// <param name="Format">How they are written, or null to tell by the path.</param>
/// <param name="Images">Folder of the images; YOLO's labels need it.</param>
/// <param name="ImageSet">VOC: file with the names of the images to take.</param>
/// <param name="Names">YOLO: file with one class name a line.</param>
internal sealed record LabelSource(string Path, LabelFormat? Format, string? Images, string? ImageSet, string? Names)
{
    internal LabelFormat ActualFormat => Format ?? (Directory.Exists(Path)
        ? Names is null ? LabelFormat.Voc : LabelFormat.Yolo
        : System.IO.Path.GetExtension(Path) is ".json" ? LabelFormat.Coco : LabelFormat.Wider);

    /// <exception cref="AnnotationFormatException">The labels are not well formed.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    internal AnnotatedDataset Load() => ActualFormat switch
    {
        LabelFormat.Coco => CocoJson.ReadDataset(Path),
        LabelFormat.Voc => VocXml.ReadFolder(Path, ImageSet),
        LabelFormat.Wider => WiderFaceText.Read(Path),
        _ => YoloText.ReadFolder(Images!, Path, [.. File.ReadLines(Names!).Select(l => l.Trim()).Where(l => l.Length > 0)]),
    };
}
