using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Fovea.Data;

/// <summary>Records from a <see cref="PipeReader"/>: the body of a request, a socket.</summary>
public static class TfRecordPipe
{
    /// <summary>The records of a pipe, uncompressed; each is valid until the next one is asked for. A record that lies in one
    /// segment is not copied. Stopping early leaves the rest in the pipe, from the next record on; completing the pipe is up to
    /// the caller.</summary>
    /// <exception cref="TfRecordException">A record is truncated or damaged.</exception>
    public static IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAllAsync(
        PipeReader pipe, TfRecordReaderOptions? options = null, string name = "pipe", CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pipe);
        TfRecordFile.RequireUncompressed(options, name);
        return Read(pipe, new TfRecordScanner(name, options ?? new TfRecordReaderOptions(), 0), cancellationToken);
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> Read(
        PipeReader pipe, TfRecordScanner scanner, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        byte[] joined = [];
        ReadOnlySequence<byte> bytes = default;
        var isHeld = false;
        try
        {
            var least = TfRecordFraming.HeaderBytes;
            while (true)
            {
                var result = await pipe.ReadAtLeastAsync(least, cancellationToken).ConfigureAwait(false);
                (bytes, isHeld) = (result.Buffer, true);
                if (result.IsCanceled) throw new OperationCanceledException();
                // The first segment is enough while records end in it.
                var window = bytes.First;
                while (true)
                {
                    var isFinal = result.IsCompleted && window.Length == bytes.Length;
                    var step = scanner.Next(window.Span, isFinal, out var consumed, out var data, out least);
                    bytes = bytes.Slice(consumed);
                    if (step == TfRecordStep.Record)
                    {
                        yield return window[data];
                        window = window[consumed..];
                        continue;
                    }
                    if (step == TfRecordStep.End) yield break;
                    if (bytes.Length < least && !result.IsCompleted) break;
                    window = Join(bytes, least, ref joined);
                }
                isHeld = false;
                pipe.AdvanceTo(bytes.Start, bytes.End);
            }
        }
        finally
        {
            if (isHeld) pipe.AdvanceTo(bytes.Start);
            if (joined.Length > 0) ArrayPool<byte>.Shared.Return(joined);
        }
    }

    // The first bytes in one piece: what is needed, or all there is.
    private static ReadOnlyMemory<byte> Join(ReadOnlySequence<byte> bytes, int least, ref byte[] joined)
    {
        if (bytes.First.Length >= Math.Min(least, bytes.Length)) return bytes.First;
        var length = (int)Math.Min(least, bytes.Length);
        if (joined.Length < length)
        {
            if (joined.Length > 0) ArrayPool<byte>.Shared.Return(joined);
            joined = ArrayPool<byte>.Shared.Rent(length);
        }
        bytes.Slice(0, length).CopyTo(joined);
        return joined.AsMemory(0, length);
    }
}
