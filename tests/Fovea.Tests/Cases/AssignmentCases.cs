namespace Fovea.Tests.Cases;

public sealed class AssignmentCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        Assignment("more rows", 3, 100, 17, [17, 0, 9]),
        Assignment("more columns", 2, 12, 31, null),
    ];

    private static KernelCase Assignment(string name, int problems, int rows, int columns, int[]? counts) => new($"linear_assignment {name}", stream =>
    {
        var run = new KernelRun();
        var costs = run.Input(Data.Tensor(stream, 1, problems, rows, columns));
        var used = counts is null ? null : run.Own(DeviceTensor.From<int>(stream, counts, problems));
        var totals = run.Output(Data.Empty(stream, problems));
        var rowOf = run.Output(DeviceTensor.Allocate(stream, DType.Int32, problems, columns));
        var columnOf = run.Output(DeviceTensor.Allocate(stream, DType.Int32, problems, rows));
        run.Call = s => Kernels.LinearAssignment(s, costs, used, rowOf, columnOf, totals);
        return run;
    })
    { Bytes = 4L * problems * rows * columns };
}
