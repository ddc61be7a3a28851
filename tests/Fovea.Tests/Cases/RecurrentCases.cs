namespace Fovea.Tests.Cases;

public sealed class RecurrentCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        .. from cell in Enum.GetValues<RecurrentCell>() select Case($"{cell}", new RecurrentOptions { Cell = cell, InputSize = 19, HiddenSize = 33 }, 3, 11, all: true),
        Case("Lstm reverse, bare", new RecurrentOptions { Cell = RecurrentCell.Lstm, InputSize = 16, HiddenSize = 16, Reverse = true }, 1, 20, all: false),
        Case("Gru step", new RecurrentOptions { Cell = RecurrentCell.Gru, InputSize = 40, HiddenSize = 48 }, 1, 1, all: true),
    ];

    private static KernelCase Case(string name, RecurrentOptions options, long batch, long length, bool all) => new($"recurrent {name}", stream =>
    {
        var run = new KernelRun();
        bool lstm = options.Cell == RecurrentCell.Lstm;
        int gates = lstm ? 4 : options.Cell is RecurrentCell.Gru or RecurrentCell.GruResetBefore ? 3 : 1;
        long hidden = options.HiddenSize, rows = gates * hidden;
        float range = 1 / MathF.Sqrt(hidden);
        var x = run.Input(Data.Tensor(stream, 1, batch, length, options.InputSize));
        using var weights = DeviceTensor.From<float>(stream, Data.Floats(rows * options.InputSize, 2, -range, range), rows, options.InputSize);
        using var recurrent = DeviceTensor.From<float>(stream, Data.Floats(rows * hidden, 3, -range, range), rows, hidden);
        using var bias = Data.Tensor(stream, 4, rows);
        using var recurrentBias = Data.Tensor(stream, 5, rows);
        var prepared = run.Own(Kernels.PrepareRecurrent(stream, options, weights, recurrent, all ? bias : null, all ? recurrentBias : null));
        var y = run.Output(Data.Empty(stream, batch, length, hidden));
        if (!all)
        {
            run.Call = s => Kernels.Recurrent(s, options, x, prepared, null, null, null, y);
            return run;
        }
        var lengths = run.Own(DeviceTensor.From<int>(stream, [.. Enumerable.Range(0, (int)batch).Select(b => (int)length - 3 * b)], batch));
        var initial = run.Own(Data.Tensor(stream, 6, batch, hidden));
        var h = run.Output(Data.Empty(stream, batch, hidden));
        var c = lstm ? run.Output(Data.Empty(stream, batch, hidden)) : null;
        run.Call = s =>
        {
            Kernels.Copy(s, initial, h);
            if (c is not null) Kernels.Copy(s, initial, c);
            Kernels.Recurrent(s, options, x, prepared, lengths, h, c, y);
        };
        return run;
    })
    // Gates are contractions of sums of input + hidden terms; errors of a step are damped by the next.
    { Tolerance = 1e-5, PropagatesNan = true };
}
