namespace Fovea.Tests.Cases;

public sealed class RowCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        new("append_rows by index", stream =>
        {
            var run = new KernelRun();
            var x = run.Input(Data.Tensor(stream, 1, 9, 5));
            var indices = run.Own(DeviceTensor.From<int>(stream, [8, -1, 0, 3], 4));
            var y = run.Output(Data.Empty(stream, 6, 5));
            var count = run.Output(DeviceTensor.Allocate(stream, DType.Int32, 1));
            run.Call = s =>
            {
                count.Fill(s, 0);
                Kernels.AppendRows(s, x, indices, y, count);
                Kernels.AppendRows(s, x, indices, y, count); // the second call meets the capacity: 3 + 3 rows
            };
            return run;
        }),
        new("split_count 10 by 4", stream =>
        {
            var run = new KernelRun();
            var count = run.Input(DeviceTensor.From<int>(stream, [10], 1));
            var counts = run.Output(DeviceTensor.Allocate(stream, DType.Int32, 5));
            run.Call = s => Kernels.SplitCount(s, 4, count, counts);
            return run;
        }),
    ];
}
