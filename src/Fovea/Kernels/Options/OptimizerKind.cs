namespace Fovea;

/// <summary>The rule of an optimiser step.</summary>
public enum OptimizerKind
{
    /// <summary>p -= rate*(g + decay*p).</summary>
    Sgd = 0,

    /// <summary>Heavy-ball momentum as in PyTorch.</summary>
    Momentum = 1,

    /// <summary>Nesterov momentum as in PyTorch.</summary>
    Nesterov = 2,

    /// <summary>Kingma and Ba, 2015; decay is added to the gradient.</summary>
    Adam = 3,

    /// <summary>Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.</summary>
    AdamW = 4,

    /// <summary>Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023.</summary>
    Lion = 5,
}
