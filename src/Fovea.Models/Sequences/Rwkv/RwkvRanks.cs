namespace Fovea.Models.Sequences.Rwkv;

/// <summary>Widths of the two-step products of version 7.</summary>
/// <param name="Decay">Of the decay.</param>
/// <param name="Rate">Of the rate at which the memory is replaced.</param>
/// <param name="Value">Of the share of the first block's values; 0 for a model of one block.</param>
/// <param name="Gate">Of the output gate.</param>
public readonly record struct RwkvRanks(int Decay, int Rate, int Value, int Gate);
