using Fovea.Interop;

namespace Fovea;

/// <summary>Scaled dot-product attention.</summary>
public readonly record struct AttentionOptions
{
    /// <summary>Creates the defaults: every query sees every key.</summary>
    public AttentionOptions()
    {
    }

    /// <summary>Scores are multiplied by this; 0 for 1/sqrt(D).</summary>
    public float SoftmaxScale { get; init; }

    /// <summary>Queries do not see later keys. The last query is aligned with the last key, so a single query sees a whole
    /// cache.</summary>
    public bool Causal { get; init; }

    /// <summary>Only the last so many of the visible keys count; 0 for no limit. Needs <see cref="Causal"/>.</summary>
    public int Window { get; init; }

    /// <summary>Scores become SoftCap * tanh(score / SoftCap) before the mask; 0 for none.</summary>
    public float SoftCap { get; init; }

    internal fovea_attention_params ToNative() => new()
    {
        softmax_scale = SoftmaxScale,
        causal = Causal ? 1 : 0,
        window = Window,
        softcap = SoftCap,
    };
}
