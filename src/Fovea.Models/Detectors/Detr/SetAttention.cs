using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>Multi-head attention whose queries, keys and values come from three tensors, with PyTorch's names: DETR adds positions to queries
/// and keys, not to values.</summary>
internal sealed class SetAttention : Module
{
    private readonly int _width, _heads;
    private readonly Parameter _weight, _bias;
    private readonly Dense _output;

    public SetAttention(Initializer init, string name, int width, int heads) : base(name)
    {
        if (width % heads != 0) throw new ArgumentException($"a width of {width} does not divide into {heads} heads");
        (_width, _heads) = (width, heads);
        _weight = Add("in_proj_weight", init.XavierUniform(3 * width, width));
        _bias = Add("in_proj_bias", init.Constant(0, 3 * width), decays: false);
        _output = Add(new Dense($"{name}.out_proj", init.XavierUniform(width, width), init.Constant(0, width)));
    }

    public override Value Forward(Value x) => Forward(x, x, x);

    /// <summary>queries [B][N][width], keys and values [B][M][width], key lengths i32 [B] or absent.</summary>
    public Value Forward(Value queries, Value keys, Value values, Value keyLengths = default)
    {
        var o = Project(queries, 0).Attention(Project(keys, 1), Project(values, 2), new AttentionOptions(), keyLengths);
        return _output.Forward(o.Reshape(queries.Shape));
    }

    private Value Project(Value x, int part)
    {
        var weight = x.Tape.Use(_weight).Rows(part * _width, _width);
        var bias = x.Tape.Use(_bias).Rows(part * _width, _width);
        return x.Linear(weight, bias).Reshape(x.Shape[0], x.Shape[1], _heads, _width / _heads);
    }
}
