namespace Fovea.Data;

/// <summary>What a parser collects under one key.</summary>
/// <param name="Key">Name of the feature.</param>
/// <param name="Kind">Type of the values.</param>
internal sealed record SlotPlan(string Key, FeatureKind Kind)
{
    /// <summary>Values of a row, or of a step: where the number is not fixed, it is a multiple of this.</summary>
    internal int Count { get; init; } = 1;

    /// <summary>Every row has <see cref="Count"/> values.</summary>
    internal bool IsFixed { get; init; }

    /// <summary>Of a list: every step has <see cref="Count"/> values.</summary>
    internal bool IsFixedStep { get; init; }

    /// <summary>A row must have it; where it is fixed, because there is no default.</summary>
    internal bool IsRequired { get; init; }

    /// <summary>The values of a row that has none.</summary>
    internal FeatureValues? Default { get; init; }
}
