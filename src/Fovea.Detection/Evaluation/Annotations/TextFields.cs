using System.Globalization;

namespace Fovea.Detection.Evaluation;

/// <summary>Lines of numbers separated by blanks.</summary>
internal static class TextFields
{
    /// <summary>Parses up to <paramref name="values"/>'s length numbers; the count of them, or -1 where the line has more or something
    /// that is no finite number.</summary>
    public static int Parse(ReadOnlySpan<char> line, Span<double> values)
    {
        int count = 0;
        foreach (var range in line.SplitAny(' ', '\t'))
        {
            var field = line[range].Trim();
            if (field.IsEmpty) continue;
            if (count == values.Length || !double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) || !double.IsFinite(value))
                return -1;
            values[count++] = value;
        }
        return count;
    }
}
