using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Fovea.Data;

/// <summary>Turns a dataset into batches on other threads.</summary>
public static class ExamplePipeline
{
    /// <summary>Reads and parses records ahead of their use, several batches at once and in order. The memory of a few batches
    /// goes round: each is valid until the next one is asked for. With a stream it is pinned, so that columns can be copied to
    /// the stream's device without waiting, and it is not written again before the stream has passed those copies.</summary>
    /// <param name="dataset">What to read; nobody else reads it meanwhile.</param>
    /// <param name="parser">What to take from each record.</param>
    /// <param name="options">Size and number of the batches.</param>
    /// <param name="stream">Where the columns will be copied by the one who takes the batches; null for host memory.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="TfRecordException">A record is truncated or damaged; the batches before it have been given.</exception>
    /// <exception cref="ExampleException">A record is not what the parser expects.</exception>
    public static async IAsyncEnumerable<ExampleBatch> ReadBatchesAsync(
        this TfRecordDataset dataset, ExampleParser parser, ExamplePipelineOptions? options = null, DeviceStream? stream = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(parser);
        options ??= new ExamplePipelineOptions();
        options.Validate();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // The stages bound what is in the channels.
        var free = Channel.CreateUnbounded<BatchStage>();
        var full = Channel.CreateUnbounded<BatchStage>();
        var stages = new List<BatchStage>();
        for (var i = 0; i <= options.Ahead; i++)
        {
            stages.Add(new BatchStage(parser, stream));
            free.Writer.TryWrite(stages[i]);
        }
        var reading = Task.Run(() => ReadAsync(dataset, options, free.Reader, full.Writer, stop.Token), CancellationToken.None);
        try
        {
            await foreach (var stage in full.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                await stage.Parsed.ConfigureAwait(false);
                yield return stage.Batch;
                stage.MarkUsed();
                free.Writer.TryWrite(stage);
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await reading.ConfigureAwait(false);
            foreach (var stage in stages)
            {
                // What is still parsed is not wanted any more, and neither is its failure.
                await stage.Parsed.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                stage.Dispose();
            }
        }
    }

    // Never fails: the reader of the channel gets the exception, behind the batches before it.
    private static async Task ReadAsync(
        TfRecordDataset dataset, ExamplePipelineOptions options,
        ChannelReader<BatchStage> free, ChannelWriter<BatchStage> full, CancellationToken stop)
    {
        try
        {
            var isLast = false;
            while (!isLast)
            {
                var stage = await free.ReadAsync(stop).ConfigureAwait(false);
                isLast = !stage.Fill(dataset, options.BatchSize);
                if (stage.Count == 0 || (isLast && options.DropRemainder)) break;
                stage.Parse();
                full.TryWrite(stage);
            }
            full.Complete();
        }
#pragma warning disable CA1031 // Thrown again by the reader.
        catch (Exception e)
#pragma warning restore CA1031
        {
            full.Complete(e);
        }
    }
}
