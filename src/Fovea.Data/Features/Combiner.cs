namespace Fovea.Data;

/// <summary>How the embeddings e of a row's ids become one, with weights w (1 where there are none). A row without ids gives
/// zeros.</summary>
public enum Combiner
{
    /// <summary>sum(w e).</summary>
    Sum = 0,

    /// <summary>sum(w e) / sum(w).</summary>
    Mean = 1,

    /// <summary>sum(w e) / sqrt(sum(w^2)).</summary>
    SqrtN = 2,
}
