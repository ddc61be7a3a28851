using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Fovea.Data;

/// <summary>Stages of input pipelines, after tf.data: each holds a bounded number of elements, and the order of the results
/// depends on nothing but the order of the sources. <c>AsyncEnumerable.Chunk</c> makes batches.</summary>
public static class Pipeline
{
    /// <summary>Applies a function on the thread pool, to at most <paramref name="parallelism"/> elements at a time; the
    /// results keep the order of the elements.</summary>
    public static async IAsyncEnumerable<TResult> Map<T, TResult>(
        this IAsyncEnumerable<T> source, Func<T, TResult> function, int parallelism,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(function);
        ArgumentOutOfRangeException.ThrowIfLessThan(parallelism, 1);
        var running = new Queue<Task<TResult>>();
        try
        {
            await foreach (var item in source.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                if (running.Count == parallelism) yield return await running.Dequeue().ConfigureAwait(false);
                running.Enqueue(Task.Run(() => function(item), cancellationToken));
            }
            while (running.TryDequeue(out var result)) yield return await result.ConfigureAwait(false);
        }
        finally
        {
            // Nothing runs on after the end, and later failures than the one that is thrown are not wanted.
            while (running.TryDequeue(out var rest)) await ((Task)rest).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Takes elements from the source on another thread, at most <paramref name="count"/> ahead.</summary>
    public static async IAsyncEnumerable<T> Prefetch<T>(
        this IAsyncEnumerable<T> source, int count, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var channel = Channel.CreateBounded<T>(new BoundedChannelOptions(count) { SingleReader = true, SingleWriter = true });
        var pump = Task.Run(() => PumpAsync(source, channel.Writer, stop.Token), CancellationToken.None);
        try
        {
            await foreach (var item in channel.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false)) yield return item;
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await pump.ConfigureAwait(false);
        }
    }

    /// <summary>Takes elements of the sources in turn, <paramref name="block"/> of each, with <paramref name="cycle"/> sources
    /// under way. A source that ends makes room for the next one, which goes on with its turn.</summary>
    public static async IAsyncEnumerable<T> Interleave<T>(
        this IEnumerable<IAsyncEnumerable<T>> sources, int cycle, int block = 1,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(sources);
        ArgumentOutOfRangeException.ThrowIfLessThan(cycle, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(block, 1);
        using var waiting = sources.GetEnumerator();
        var open = new List<IAsyncEnumerator<T>>();
        try
        {
            while (open.Count < cycle && waiting.MoveNext()) open.Add(waiting.Current.GetAsyncEnumerator(cancellationToken));
            var (turn, taken) = (0, 0);
            while (open.Count > 0)
            {
                if (taken == block) (turn, taken) = ((turn + 1) % open.Count, 0);
                if (await open[turn].MoveNextAsync().ConfigureAwait(false))
                {
                    taken++;
                    yield return open[turn].Current;
                    continue;
                }
                await open[turn].DisposeAsync().ConfigureAwait(false);
                open.RemoveAt(turn);
                if (waiting.MoveNext()) open.Insert(turn, waiting.Current.GetAsyncEnumerator(cancellationToken));
                else (turn, taken) = (turn == open.Count ? 0 : turn, 0);
            }
        }
        finally
        {
            foreach (var source in open) await source.DisposeAsync().ConfigureAwait(false);
        }
    }

    // Never fails: the reader of the channel gets the exception, behind the elements before it.
    private static async Task PumpAsync<T>(IAsyncEnumerable<T> source, ChannelWriter<T> channel, CancellationToken stop)
    {
        try
        {
            await foreach (var item in source.WithCancellation(stop).ConfigureAwait(false))
                await channel.WriteAsync(item, stop).ConfigureAwait(false);
            channel.Complete();
        }
#pragma warning disable CA1031 // Thrown again by the reader.
        catch (Exception e)
#pragma warning restore CA1031
        {
            channel.Complete(e);
        }
    }
}
