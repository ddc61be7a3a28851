namespace Fovea.Training.Planning;

/// <summary>A schedule uses something that is not there, or leaves something behind. The message names the op.</summary>
public sealed class InvalidScheduleException(string message) : InvalidOperationException(message);
