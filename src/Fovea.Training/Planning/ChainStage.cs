namespace Fovea.Training.Planning;

/// <summary>One stage of a chain as a planner sees it: what it costs to run and what it keeps in memory.</summary>
/// <param name="ForwardMs">Time of one forward run, in milliseconds; recomputing costs the same.</param>
/// <param name="BackwardMs">Time of the backward run, in milliseconds.</param>
/// <param name="OutputBytes">Bytes of the output. The gradient of the output has the same size.</param>
/// <param name="SavedBytes">Bytes live after a forward run that saves for backward: the output and everything backward needs
/// besides the input of the stage. Never less than <paramref name="OutputBytes"/>.</param>
/// <param name="ForwardTransientBytes">Bytes that a forward run needs on top of its input and its results.</param>
/// <param name="BackwardTransientBytes">Bytes that a backward run needs on top of the input, the saved bytes and the gradient
/// of the output. The gradient of the input counts here unless it takes the place of something that is released.</param>
/// <remarks>The model of Beaumont, Eyraud-Dubois, Herrmann, Joly and Shilova, "Optimal checkpointing for heterogeneous chains",
/// 2019: <c>f, b, a, ā, o_f, o_b</c> in this order.</remarks>
public sealed record ChainStage(
    double ForwardMs,
    double BackwardMs,
    long OutputBytes,
    long SavedBytes,
    long ForwardTransientBytes = 0,
    long BackwardTransientBytes = 0)
{
    /// <summary>What a report calls the stage, for example <c>"block3.attention"</c>.</summary>
    public string Name { get; init; } = "";

    /// <summary>The same stage with its saved tensors stored in bf16, or null where they must stay as they are. Its output
    /// keeps its type and size, so values computed forward do not change; gradients do, by the rounding of what backward
    /// reads.</summary>
    public ChainStage? Narrow { get; init; }

    /// <summary>Bytes that saving adds to the output.</summary>
    public long InternalBytes => SavedBytes - OutputBytes;

    /// <summary>This stage with <see cref="Narrow"/> set on the assumption that all internals are f32 and are converted as a
    /// whole: wide and narrow copies are live at once while the stage runs.</summary>
    /// <param name="castBytesPerMs">Bytes of f32 converted per millisecond, one way.</param>
    public ChainStage WithNarrow(double castBytesPerMs) => this with
    {
        Narrow = this with
        {
            ForwardMs = ForwardMs + InternalBytes / castBytesPerMs,
            BackwardMs = BackwardMs + InternalBytes / castBytesPerMs,
            SavedBytes = OutputBytes + (InternalBytes + 1) / 2,
            ForwardTransientBytes = ForwardTransientBytes + InternalBytes,
            BackwardTransientBytes = BackwardTransientBytes + InternalBytes,
            Narrow = null,
        },
    };
}
