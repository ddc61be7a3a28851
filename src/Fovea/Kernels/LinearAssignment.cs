using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Linear assignment: the min(Q, T) one-to-one pairs of least total cost (Jonker and Volgenant, 1987; Crouse, 2016). costs [B][Q][T] or
    /// [Q][T]; counts Int32 [B], how many of the first columns of each problem take part, or null for all; rows Int32 [B][T], the row of each column;
    /// columns Int32 [B][Q], the column of each row, both -1 for none; totals [B]. Outputs that are not wanted are null.</summary>
    /// <remarks>+inf forbids a pair. A problem with a NaN or -inf among its costs, or without a finite sum, gets -1 and a total of NaN. Every device
    /// finds the same pairs, also where several have the least sum.</remarks>
    public static void LinearAssignment(DeviceStream stream, DeviceTensor costs, DeviceTensor? counts, DeviceTensor? rows, DeviceTensor? columns, DeviceTensor? totals)
    {
        using var call = new KernelCall(stream, "linear_assignment", costs, counts, rows, columns, totals);
        fixed (fovea_tensor* pCosts = costs, pCounts = counts, pRows = rows, pColumns = columns, pTotals = totals)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_linear_assignment_workspace(pCosts, &bytes), "linear_assignment");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_linear_assignment(pCosts, pCounts, pRows, pColumns, pTotals, &scratch, call.Stream));
        }
    }
}
