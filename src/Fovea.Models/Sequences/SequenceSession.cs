namespace Fovea.Models.Sequences;

/// <summary>One caller's step of a streaming model, captured as one graph: input of a fixed shape in, output out, the state goes on.
/// A step allocates nothing.</summary>
/// <remarks>One thread at a time, as the stream demands. Sessions of several lengths may share a state: a long one reads the prompt, one
/// of length 1 goes on.</remarks>
public sealed class SequenceSession : IDisposable
{
    private readonly CapturedGraph _graph;

    /// <summary>Captures <paramref name="layer"/>, which stays the caller's and must outlive the session.</summary>
    /// <param name="state">The state that <paramref name="layer"/> was made with.</param>
    /// <param name="layer">The streaming form of a model.</param>
    /// <param name="inputType">Float32 for vectors, Int32 for tokens.</param>
    /// <param name="inputShape">Begins with the streams and the positions of one step.</param>
    public SequenceSession(SequenceState state, ILayer layer, DType inputType, params ReadOnlySpan<long> inputShape)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(layer);
        if (inputShape.Length < 2 || inputShape[0] != state.Streams)
            throw new ArgumentException($"a step of {state.Streams} streams has shape [{state.Streams}, positions, ...]", nameof(inputShape));
        State = state;
        Input = DeviceTensor.Allocate(state.Stream, inputType, inputShape);
        try
        {
            Input.Fill(state.Stream, 0);
            Prepare(layer);
            using var capture = state.Stream.BeginCapture();
            Output = layer.Forward(state.Stream, Input);
            _graph = capture.End();
        }
        catch
        {
            Input.Dispose();
            throw;
        }
    }

    /// <summary>What is remembered between steps.</summary>
    public SequenceState State { get; }

    /// <summary>Where the next step reads.</summary>
    public DeviceTensor Input { get; }

    /// <summary>What the last step wrote.</summary>
    public DeviceTensor Output { get; }

    /// <summary>Enqueues a step from <see cref="Input"/> to <see cref="Output"/>.</summary>
    public void Step() => _graph.Replay(State.Stream);

    /// <summary>One step from and to host memory; waits for it.</summary>
    public void Step<T>(ReadOnlySpan<T> input, Span<float> output)
        where T : unmanaged
    {
        Input.CopyFrom(State.Stream, input);
        Step();
        Output.CopyTo(State.Stream, output);
    }

    // Layers may make tables for a length on its first use, which a capture cannot hold. The state stays as it is.
    private void Prepare(ILayer layer)
    {
        var saved = new byte[State.ByteCount];
        State.Save(saved);
        layer.Forward(State.Stream, Input).Dispose();
        State.Load(saved);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _graph.Dispose();
        Input.Dispose();
    }
}
