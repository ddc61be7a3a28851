using System.Globalization;
using Fovea.Bench.Output;
using SkiaSharp;

namespace Fovea.Cli.Drawing;

/// <summary>Curves and point clouds over two linear axes, as a PNG: loss curves, memory against time.</summary>
internal sealed class LinePlot(string title, string xLabel, string yLabel)
{
    private const int Width = 1200, Height = 800, Left = 120, Right = 300, Top = 60, Bottom = 90; // pixels
    private const int Intervals = 6; // about, per axis

    private static readonly SKColor[] Colors =
    [
        SKColors.SteelBlue, SKColors.DarkOrange, SKColors.SeaGreen, SKColors.Crimson, SKColors.MediumPurple, SKColors.SaddleBrown,
        SKColors.DeepPink, SKColors.Gray, SKColors.Olive, SKColors.DarkTurquoise,
    ];

    private readonly List<Series> _series = [];

    /// <summary>Whether both axes begin at 0; otherwise at the least value.</summary>
    public bool IsFromZero { get; init; }

    /// <summary>Adds a curve; points that are not finite are left out.</summary>
    /// <param name="name">What the legend calls it.</param>
    /// <param name="points">In the order of the line.</param>
    /// <param name="isLine">Whether a line joins the points.</param>
    /// <param name="hasDots">Whether each point is marked.</param>
    public void Add(string name, IEnumerable<(double X, double Y)> points, bool isLine = true, bool hasDots = true) =>
        _series.Add(new Series(name, [.. points.Where(p => double.IsFinite(p.X) && double.IsFinite(p.Y))], isLine, hasDots));

    /// <summary>Draws and writes the file.</summary>
    public void Save(string path)
    {
        using var surface = SKSurface.Create(new SKImageInfo(Width, Height));
        Draw(surface.Canvas);
        using var image = surface.Snapshot();
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        using var file = File.Create(path);
        png.SaveTo(file);
    }

    private void Draw(SKCanvas canvas)
    {
        var points = _series.SelectMany(s => s.Points).ToArray();
        var x = Axis.Over(points.Select(p => p.X), IsFromZero);
        var y = Axis.Over(points.Select(p => p.Y), IsFromZero);
        SKPoint At(double px, double py) => new(
            Left + (float)((Width - Left - Right) * x.Share(px)), Height - Bottom - (float)((Height - Top - Bottom) * y.Share(py)));

        canvas.Clear(SKColors.White);
        using var ink = new SKPaint { Color = SKColors.Black, IsAntialias = true };
        using var line = new SKPaint { Color = SKColors.LightGray, IsAntialias = true, StrokeWidth = 1 };
        foreach (double tick in x.Ticks())
        {
            canvas.DrawLine(At(tick, y.Least), At(tick, y.Most), line);
            var foot = At(tick, y.Least);
            DotText.Draw(canvas, Label(tick), foot.X, foot.Y + 24, SKTextAlign.Center, ink);
        }
        foreach (double tick in y.Ticks())
        {
            canvas.DrawLine(At(x.Least, tick), At(x.Most, tick), line);
            var foot = At(x.Least, tick);
            DotText.Draw(canvas, Label(tick), foot.X - 10, foot.Y + 6, SKTextAlign.Right, ink);
        }
        line.StrokeWidth = 2;
        for (int i = 0; i < _series.Count; i++)
        {
            var series = _series[i];
            line.Color = ink.Color = Colors[i % Colors.Length];
            SKPoint[] places = [.. series.Points.Select(p => At(p.X, p.Y))];
            for (int k = 1; series.IsLine && k < places.Length; k++) canvas.DrawLine(places[k - 1], places[k], line);
            foreach (var place in series.HasDots ? places : []) canvas.DrawCircle(place, 5, ink);
            canvas.DrawCircle(Width - Right + 24, Top + 26 * i, 6, ink);
            DotText.Draw(canvas, series.Name, Width - Right + 40, Top + 26 * i + 6, SKTextAlign.Left, ink);
        }

        ink.Color = SKColors.Black;
        DotText.Draw(canvas, title, Left, 32, SKTextAlign.Left, ink);
        DotText.Draw(canvas, xLabel, (Left + Width - Right) / 2f, Height - 30, SKTextAlign.Center, ink);
        canvas.RotateDegrees(-90, 32, Height / 2f);
        DotText.Draw(canvas, yLabel, 32, Height / 2f, SKTextAlign.Center, ink);
    }

    private static string Label(double value) => value.ToString("G6", CultureInfo.InvariantCulture);

    private sealed record Series(string Name, (double X, double Y)[] Points, bool IsLine, bool HasDots);

    /// <summary>From one tick to another, ticks a round number apart.</summary>
    private readonly record struct Axis(double Least, double Most, double Step)
    {
        private static readonly int[] RoundNumbers = [1, 2, 5, 10];

        public static Axis Over(IEnumerable<double> values, bool fromZero)
        {
            double least = double.PositiveInfinity, most = double.NegativeInfinity;
            foreach (double value in values) (least, most) = (Math.Min(least, value), Math.Max(most, value));
            if (least > most) (least, most) = (0, 1); // nothing to show
            if (fromZero) (least, most) = (Math.Min(least, 0), Math.Max(most, 0));
            double span = most > least ? most - least : Math.Max(Math.Abs(most), 1);
            double unit = Math.Pow(10, Math.Floor(Math.Log10(span / Intervals)));
            double step = RoundNumbers.Select(m => m * unit).First(s => s >= span / Intervals * 0.999);
            return new Axis(Math.Floor(least / step) * step, Math.Ceiling((least + span) / step) * step, step);
        }

        public double Share(double value) => (value - Least) / (Most - Least);

        public IEnumerable<double> Ticks()
        {
            int count = (int)Math.Round((Most - Least) / Step);
            for (int i = 0; i <= count; i++) yield return Math.Round((Least / Step) + i) * Step;
        }
    }
}
