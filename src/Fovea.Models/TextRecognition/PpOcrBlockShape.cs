namespace Fovea.Models.TextRecognition;

/// <summary>A row of the backbone's table.</summary>
/// <param name="Kernel">Side of the depthwise kernel.</param>
/// <param name="Inputs">Channels of the input.</param>
/// <param name="Outputs">Channels of the output.</param>
/// <param name="StrideHeight">Input rows from one output row to the next.</param>
/// <param name="StrideWidth">The same of columns.</param>
/// <param name="Squeeze">Number of the first convolution of squeeze and excitation in the file; null if there is none.</param>
internal readonly record struct PpOcrBlockShape(
    int Kernel, int Inputs, int Outputs, int StrideHeight = 1, int StrideWidth = 1, int? Squeeze = null);
