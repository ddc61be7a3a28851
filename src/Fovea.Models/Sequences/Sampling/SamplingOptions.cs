namespace Fovea.Models.Sequences;

/// <summary>How a token is chosen from logits, in this order: repetition penalty, temperature, top-k, top-p. The defaults sample from the
/// model's own distribution.</summary>
public readonly record struct SamplingOptions
{
    /// <summary>Creates the defaults.</summary>
    public SamplingOptions()
    {
    }

    /// <summary>Divides the logits; 0 takes the largest one, the first of equals.</summary>
    public float Temperature { get; init; } = 1;

    /// <summary>Only this many of the largest logits count (Fan et al., "Hierarchical Neural Story Generation", 2018); 0 for all.</summary>
    public int TopK { get; init; }

    /// <summary>Only the fewest tokens whose probabilities reach this sum count (Holtzman et al., "The Curious Case of Neural Text
    /// Degeneration", 2019); 1 for all.</summary>
    public float TopP { get; init; } = 1;

    /// <summary>Divides the positive logits of tokens seen before, and multiplies the negative ones (Keskar et al., "CTRL", 2019); 1 for
    /// none.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Draw n is a function of the seed and n alone.</summary>
    public ulong Seed { get; init; }

    internal void Check()
    {
        if (!(Temperature >= 0 && float.IsFinite(Temperature)))
            throw new ArgumentException($"temperature is {Temperature}, allowed are finite numbers from 0");
        if (TopK < 0) throw new ArgumentException($"top-k is {TopK}, allowed are numbers from 0");
        if (!(TopP > 0 && TopP <= 1)) throw new ArgumentException($"top-p is {TopP}, allowed are numbers above 0 up to 1");
        if (!(RepetitionPenalty > 0 && float.IsFinite(RepetitionPenalty)))
            throw new ArgumentException($"repetition penalty is {RepetitionPenalty}, allowed are finite numbers above 0");
    }
}
