namespace Fovea;

/// <summary>What the score inputs of a detector head are.</summary>
public enum ScoreMode
{
    /// <summary>Probabilities.</summary>
    Plain = 0,

    /// <summary>One logit per class.</summary>
    Sigmoid = 1,

    /// <summary>Logits of one distribution over all columns.</summary>
    Softmax = 2,
}
