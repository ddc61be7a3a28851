using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>Maximum or average of windows of x [N][H][W][C].</summary>
public sealed class Pooling(string name, Pool2DOptions options) : Module(name)
{
    /// <inheritdoc/>
    public override Value Forward(Value x) => x.Pool2D(options);
}
