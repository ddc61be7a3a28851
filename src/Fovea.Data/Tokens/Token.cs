namespace Fovea.Data;

/// <summary>A piece of a text.</summary>
/// <param name="Id">Index in the vocabulary.</param>
/// <param name="Start">First character (UTF-16) it comes from.</param>
/// <param name="Length">Number of characters; 0 for what the text does not hold, such as the space put in front of it.</param>
public readonly record struct Token(int Id, int Start, int Length);
