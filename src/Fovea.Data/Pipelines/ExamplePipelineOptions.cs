namespace Fovea.Data;

/// <summary>How records become batches.</summary>
public sealed record ExamplePipelineOptions
{
    /// <summary>Records in a batch.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Whether a last batch with fewer records is left out.</summary>
    public bool DropRemainder { get; init; }

    /// <summary>Batches that are parsed or wait to be taken, besides the one that is in use: bounds memory and
    /// threads.</summary>
    public int Ahead { get; init; } = 2;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(BatchSize, 1, nameof(BatchSize));
        ArgumentOutOfRangeException.ThrowIfLessThan(Ahead, 1, nameof(Ahead));
    }
}
