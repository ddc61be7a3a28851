using System.Globalization;
using System.Runtime.InteropServices;
using Fovea.Bench.Output;
using Fovea.Cli.Detectors;
using Fovea.Data;
using SkiaSharp;

namespace Fovea.Cli.Drawing;

/// <summary>Draws boxes, scores and landmarks on a copy of an image; where there are classes, in their colours, with a legend.</summary>
internal static class Annotator
{
    private static readonly SKColor FaceColour = new(0, 230, 118);
    private static readonly SKColor PlateColour = new(0, 0, 0, 200);
    private static readonly SKColor LandmarkColour = new(255, 64, 129);

    internal static RgbImage Draw(RgbImage image, IReadOnlyList<DetectedObject> detections)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var pixels = MemoryMarshal.Cast<byte, uint>(bitmap.GetPixelSpan());
        var source = image.Pixels.Span;
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = 0xFF000000u | (uint)source[3 * i + 2] << 16 | (uint)source[3 * i + 1] << 8 | source[3 * i];
        using (var canvas = new SKCanvas(bitmap))
        {
            foreach (var detection in detections) Draw(canvas, detection);
            DrawLegend(canvas, detections, image.Height);
        }
        var result = new RgbImage(image.Width, image.Height);
        var target = result.Pixels.Span;
        for (var i = 0; i < pixels.Length; i++)
        {
            target[3 * i] = (byte)pixels[i];
            target[3 * i + 1] = (byte)(pixels[i] >> 8);
            target[3 * i + 2] = (byte)(pixels[i] >> 16);
        }
        return result;
    }

    /// <summary>The colour of a class: hues a golden angle apart, so that any few neighbours are far from each other, in three
    /// lightnesses.</summary>
    internal static SKColor ColourOf(int? index) =>
        index is { } i ? SKColor.FromHsl(i * 137.508f % 360, 90, 50 + 12 * (i % 3)) : FaceColour;

    private static void Draw(SKCanvas canvas, DetectedObject detection)
    {
        var box = new SKRect(detection.X1, detection.Y1, detection.X2, detection.Y2);
        // Strokes grow with the face, so that large ones are seen in large pictures and small ones are not covered.
        var stroke = Math.Clamp(box.Width / 40, 1.5f, 8);
        using var line = new SKPaint { Color = ColourOf(detection.Class), Style = SKPaintStyle.Stroke, StrokeWidth = stroke, IsAntialias = true };
        canvas.DrawRect(box, line);
        using var dot = new SKPaint { Color = LandmarkColour, Style = SKPaintStyle.Fill, IsAntialias = true };
        foreach (var point in detection.Landmarks) canvas.DrawCircle(point.X, point.Y, stroke, dot);
        DrawScore(canvas, detection, MathF.Round(Math.Clamp(box.Width / 40, 2, 6)));
    }

    // The score on a dark plate above the box, or inside of it at the image's top edge; `cell` is the side of a glyph's pixel.
    private static void DrawScore(SKCanvas canvas, DetectedObject detection, float cell)
    {
        var text = detection.Score.ToString("F2", CultureInfo.InvariantCulture);
        var width = cell * (text.Length * (DigitGlyphs.Columns + 1) + 1);
        var height = cell * (DigitGlyphs.Rows + 2);
        var left = MathF.Round(Math.Max(detection.X1, 0));
        var top = MathF.Round(detection.Y1 >= height ? detection.Y1 - height : Math.Max(detection.Y1, 0));
        using var plate = new SKPaint { Color = PlateColour };
        canvas.DrawRect(left, top, width, height, plate);
        using var ink = new SKPaint { Color = ColourOf(detection.Class) };
        for (var i = 0; i < text.Length; i++)
        {
            var glyph = DigitGlyphs.Of(text[i]);
            for (var bit = 0; bit < DigitGlyphs.Rows * DigitGlyphs.Columns; bit++)
            {
                if ((glyph >> (DigitGlyphs.Rows * DigitGlyphs.Columns - 1 - bit) & 1) == 0) continue;
                var x = left + cell * (1 + i * (DigitGlyphs.Columns + 1) + bit % DigitGlyphs.Columns);
                var y = top + cell * (1 + bit / DigitGlyphs.Columns);
                canvas.DrawRect(x, y, cell, cell, ink);
            }
        }
    }

    // Names and counts on a plate at the lower left, the most frequent first.
    private static void DrawLegend(SKCanvas canvas, IReadOnlyList<DetectedObject> detections, int imageHeight)
    {
        const int line = 22, margin = 8, mark = 12;
        var classes = detections.Where(d => d.Class is not null).GroupBy(d => (d.Class, d.Label))
            .OrderByDescending(g => g.Count()).ThenBy(g => g.Key.Class).Select(g => (g.Key.Class, Text: $"{g.Key.Label} {g.Count()}")).ToArray();
        if (classes.Length == 0) return;
        var top = imageHeight - classes.Length * line - margin;
        using var paint = new SKPaint { Color = PlateColour };
        canvas.DrawRect(0, top - margin, 3 * margin + mark + classes.Max(c => DotText.Width(c.Text)), classes.Length * line + 2 * margin, paint);
        for (var i = 0; i < classes.Length; i++)
        {
            var baseLine = top + i * line + line - 5;
            paint.Color = ColourOf(classes[i].Class);
            canvas.DrawRect(margin, baseLine - mark, mark, mark, paint);
            DotText.Draw(canvas, classes[i].Text, 2 * margin + mark, baseLine, SKTextAlign.Left, paint);
        }
    }
}
