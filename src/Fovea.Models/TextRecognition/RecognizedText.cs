namespace Fovea.Models.TextRecognition;

/// <summary>What was read.</summary>
/// <param name="Text">The characters, left to right; empty if there are none.</param>
/// <param name="Confidence">Mean probability of the characters, 0 to 1; 0 if there are none.</param>
public readonly record struct RecognizedText(string Text, float Confidence);
