namespace Fovea.Data;

/// <summary>A column that turns a row into a fixed number of floats without learnt weights.</summary>
public interface IDenseColumn
{
    /// <summary>Name of the column.</summary>
    string Name { get; }

    /// <summary>Floats of a row, or of a step of a sequence.</summary>
    int Width { get; }

    /// <summary>Writes the floats of row r (of a sequence column: of step r, in the order of <see cref="IdBatch"/>) to
    /// destination[r * pitch], which is zero before.</summary>
    void Write(FeatureCache cache, Span<float> destination, int pitch);
}
