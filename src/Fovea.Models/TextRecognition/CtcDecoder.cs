using System.Text;

namespace Fovea.Models.TextRecognition;

/// <summary>Greedy decoding of connectionist temporal classification (Graves et al., 2006): runs of one class are one character, and blanks
/// are dropped.</summary>
internal static class CtcDecoder
{
    /// <param name="classes">The likeliest class of each column.</param>
    /// <param name="probabilities">Their probabilities.</param>
    /// <param name="alphabet">What the classes stand for.</param>
    /// <returns>The text, with the mean of the probabilities at the first column of each character; 0 where there is none.</returns>
    public static RecognizedText Decode(ReadOnlySpan<int> classes, ReadOnlySpan<float> probabilities, TextAlphabet alphabet)
    {
        var text = new StringBuilder();
        var (previous, count, sum) = (TextAlphabet.Blank, 0, 0.0);
        for (var i = 0; i < classes.Length; i++)
        {
            if (classes[i] != previous && classes[i] != TextAlphabet.Blank)
            {
                text.Append(alphabet[classes[i]]);
                sum += probabilities[i];
                count++;
            }
            previous = classes[i];
        }
        return new RecognizedText(text.ToString(), count == 0 ? 0 : (float)(sum / count));
    }
}
