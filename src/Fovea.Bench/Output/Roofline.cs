using System.Globalization;
using Fovea.Bench.Measure;
using SkiaSharp;

namespace Fovea.Bench.Output;

/// <summary>A roofline plot (Williams, Waterman and Patterson, 2009): arithmetic intensity of the direct computation against GFLOP/s,
/// both logarithmic, under what the FMA units and the memory allow.</summary>
public static class Roofline
{
    private const int Width = 1400, Height = 900, Left = 110, Right = 250, Top = 60, Bottom = 90;
    private const double LeastIntensity = 0.1, MostIntensity = 1000, LeastRate = 0.5;
    private const int Wide = 64 << 20; // bytes: memory beyond the caches

    private static readonly SKColor[] Colors =
        [SKColors.SteelBlue, SKColors.DarkOrange, SKColors.SeaGreen, SKColors.Crimson, SKColors.MediumPurple, SKColors.SaddleBrown, SKColors.DeepPink, SKColors.Gray, SKColors.Olive, SKColors.DarkTurquoise];

    /// <summary>Writes a PNG with one point per workload; workloads without counted arithmetic have no place in it.</summary>
    public static void Draw(IReadOnlyList<BenchRow> rows, MachineLimits limits, string path)
    {
        var points = rows.DistinctBy(r => (r.Family, r.Workload)).Where(r => r.Gflops > 0 && double.IsFinite(r.Detail.FlopsPerByte)).ToArray();
        double most = 2 * Math.Max(limits.Peak, points.Select(r => r.Gflops!.Value).DefaultIfEmpty(0).Max());
        using var surface = SKSurface.Create(new SKImageInfo(Width, Height));
        var canvas = surface.Canvas;
        canvas.Clear(SKColors.White);
        using var ink = new SKPaint { Color = SKColors.Black, IsAntialias = true };
        using var line = new SKPaint { Color = SKColors.LightGray, IsAntialias = true, StrokeWidth = 1 };
        SKPoint At(double intensity, double rate) => new(
            Left + (float)((Width - Left - Right) * Share(intensity, LeastIntensity, MostIntensity)),
            Height - Bottom - (float)((Height - Top - Bottom) * Share(rate, LeastRate, most)));

        for (double x = LeastIntensity; x <= MostIntensity * 1.01; x *= 10) Tick(At(x, LeastRate), At(x, most), x, vertical: true);
        for (double y = 1; y <= most; y *= 10) Tick(At(LeastIntensity, y), At(MostIntensity, y), y, vertical: false);
        void Tick(SKPoint from, SKPoint to, double value, bool vertical)
        {
            canvas.DrawLine(from, to, line);
            string label = value.ToString("0.###", CultureInfo.InvariantCulture);
            DotText.Draw(canvas, label, vertical ? from.X : from.X - 8, vertical ? from.Y + 22 : from.Y + 5, vertical ? SKTextAlign.Center : SKTextAlign.Right, ink);
        }

        // The roof: memory on the left, arithmetic on the right of the ridge.
        double memory = limits.Rate(Wide / 2, Wide / 2), ridge = limits.Peak / memory;
        line.Color = SKColors.Black;
        line.StrokeWidth = 2;
        canvas.DrawLine(At(LeastIntensity, LeastIntensity * memory), At(ridge, limits.Peak), line);
        canvas.DrawLine(At(ridge, limits.Peak), At(MostIntensity, limits.Peak), line);
        var peak = At(MostIntensity, limits.Peak);
        DotText.Draw(canvas, string.Create(CultureInfo.InvariantCulture, $"{limits.Peak:F0} GFLOP/s"), peak.X + 8, peak.Y + 5, SKTextAlign.Left, ink);
        var slope = At(0.2, 0.2 * memory);
        DotText.Draw(canvas, string.Create(CultureInfo.InvariantCulture, $"{memory:F0} GB/s"), slope.X, slope.Y - 30, SKTextAlign.Center, ink);

        string[] families = [.. points.Select(r => r.Family).Distinct()];
        foreach (var row in points)
        {
            ink.Color = Colors[Array.IndexOf(families, row.Family) % Colors.Length];
            canvas.DrawCircle(At(Math.Clamp(row.Detail.FlopsPerByte, LeastIntensity, MostIntensity), Math.Max(row.Gflops!.Value, LeastRate)), 6, ink);
        }

        for (int i = 0; i < families.Length; i++)
        {
            ink.Color = Colors[i % Colors.Length];
            canvas.DrawCircle(Width - Right + 110, Top + 24 * i, 6, ink);
            DotText.Draw(canvas, families[i], Width - Right + 124, Top + 24 * i + 5, SKTextAlign.Left, ink);
        }

        ink.Color = SKColors.Black;
        DotText.Draw(canvas, "direct operations per byte of least traffic (FLOP/B)", (Left + Width - Right) / 2f, Height - 30, SKTextAlign.Center, ink);
        DotText.Draw(canvas, $"Fovea, {FoveaRuntime.Active}, {limits.Threads} thread(s): points above the roof do less arithmetic than the direct computation", Left, 30, SKTextAlign.Left, ink);
        canvas.RotateDegrees(-90, 30, Height / 2f);
        DotText.Draw(canvas, "GFLOP/s of the direct computation", 30, Height / 2f, SKTextAlign.Center, ink);
        using var image = surface.Snapshot();
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        using var file = File.Create(path);
        png.SaveTo(file);
    }

    private static double Share(double value, double least, double most) => Math.Log(value / least) / Math.Log(most / least);
}
