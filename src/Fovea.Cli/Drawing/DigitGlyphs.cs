namespace Fovea.Cli.Drawing;

/// <summary>
/// 3x5-pixel digits: bit 14 is the top left pixel, then row by row. They spare a font, which a bare server does not have.
/// </summary>
internal static class DigitGlyphs
{
    internal const int Columns = 3;
    internal const int Rows = 5;

    /// <summary>The glyph of a digit or '.'; blank for anything else.</summary>
    internal static int Of(char character) => character switch
    {
        '0' => 0b111_101_101_101_111,
        '1' => 0b010_110_010_010_111,
        '2' => 0b111_001_111_100_111,
        '3' => 0b111_001_111_001_111,
        '4' => 0b101_101_111_001_001,
        '5' => 0b111_100_111_001_111,
        '6' => 0b111_100_111_101_111,
        '7' => 0b111_001_001_010_010,
        '8' => 0b111_101_111_101_111,
        '9' => 0b111_101_111_001_111,
        '.' => 0b000_000_000_000_010,
        _ => 0,
    };
}
