namespace Fovea;

/// <summary>A ragged column of a cross on the host: row r has values [RowSplits[r], RowSplits[r + 1]).</summary>
/// <param name="Values">Fingerprints of strings, or integers as they are.</param>
/// <param name="RowSplits">[rows + 1], never descending, from 0 to the number of values.</param>
public readonly record struct CrossColumn(ReadOnlyMemory<long> Values, ReadOnlyMemory<long> RowSplits);
