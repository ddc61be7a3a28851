using Fovea.Bench.Families;
using Fovea.Bench.Workloads;
using Xunit;

namespace Fovea.Cli.Tests.Bench;

/// <summary>The rows of sequence models with sizes of their own: what they compute and what they claim to read.</summary>
public class SequenceWorkloadTests
{
    public static TheoryData<string> Tokens => ["transformer", "mamba", "mamba-2", "rwkv"];

    [Theory]
    [InlineData(RecurrentCell.Lstm, 1, 16)]
    [InlineData(RecurrentCell.Lstm, 7, 13)]
    [InlineData(RecurrentCell.Gru, 1, 16)]
    [InlineData(RecurrentCell.Gru, 7, 13)]
    public void EveryCallOfACellEqualsDoublePrecision(RecurrentCell cell, int length, int size)
    {
        var workload = new RecurrentWorkload(cell, length, size);
        using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { MaxThreads = 1 });
        using var contestant = workload.CreateFovea(stream);
        for (int call = 0; call < 3; call++)
        {
            contestant.Call();
            // Outputs below 1 behind sums of 2 x 16 products; a state of the call before would differ by a tenth.
            Assert.InRange(workload.Reference().MaxRelativeError(contestant.Read!()), 0, 1e-5);
        }
    }

    [Theory]
    [MemberData(nameof(Tokens))]
    public void AResultDoesNotDependOnTheCallsBeforeAndACallAllocatesNothing(string model)
    {
        using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { MaxThreads = 1 });
        using var contestant = Create(model).CreateFovea(stream);
        float[] first = contestant.Read!();
        Assert.Equal(StreamingWorkload.Vocabulary, first.Length);
        Assert.All(first, value => Assert.True(float.IsFinite(value)));
        Assert.Contains(first, value => value != 0);
        for (int i = 0; i < 3; i++) contestant.Call();
        // Calls until the transformer's cache is full: beyond, it goes back to its prompt.
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 4; i++) contestant.Call();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        for (int i = 0; i < 9; i++) contestant.Call();
        Assert.Equal(first, contestant.Read!());
    }

    /// <summary>The claims are sums by formula; the models know better.</summary>
    [Theory]
    [InlineData("mamba")]
    [InlineData("mamba-2")]
    [InlineData("rwkv")]
    public void BytesReadAreThoseOfWeightsAndState(string name)
    {
        var workload = (StreamingWorkload)Create(name);
        using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { MaxThreads = 1 });
        using var model = workload.CreateModel(stream);
        using var state = new Models.Sequences.SequenceState(stream, 1);
        using (model.ToStreaming(state))
        {
            long weights = model.Parameters.Where(p => p.Name != "embedding.weight").Sum(p => p.Value.ElementCount);
            Assert.Equal(4.0 * weights + state.ByteCount, workload.BytesRead);
        }
    }

    [Fact]
    public void FamiliesHaveTheirRows()
    {
        var families = FamilyCatalog.Select(["recurrent", "decode"]);
        Assert.Equal(["decode", "recurrent"], families.Select(f => f.Name));
        foreach (var family in families)
        {
            var rows = family.Rows().ToArray();
            Assert.Equal(4, rows.Select(row => row.Name).Distinct().Count());
            Assert.All(rows, row => Assert.Equal(family.Name, row.Family));
        }
    }

    private static Workload Create(string model) => model switch
    {
        "transformer" => new DecoderWorkload(32, 2, 2, 9),
        "mamba" => new MambaWorkload(32, 2),
        "mamba-2" => new Mamba2Workload(32, 2),
        _ => new RwkvWorkload(32, 2),
    };
}
