using System.Runtime.InteropServices;

namespace Fovea.Training.Planning;

/// <summary>Chooses online which tensor to evict when memory runs out, for graphs that are not known in advance. A runtime
/// tells it what it makes and reads; it neither allocates nor computes. Not safe for several threads.</summary>
/// <remarks>Kirisame et al., "Dynamic Tensor Rematerialization", 2021, with the exact neighbourhood e*: evicted ancestors and
/// descendants that are reached through evicted tensors, without descendants that nobody reads any more. Staleness counts ops,
/// never wall-clock time, so that runs repeat. An id stands for a storage: views share the id of their base.</remarks>
public sealed class EvictionPolicy
{
    private enum State
    {
        Unmade,
        Live,
        Evicted,
    }

    private sealed class Storage(long bytes, double ms, int[] inputs)
    {
        public readonly long Bytes = bytes;
        public readonly double Ms = ms;
        public readonly int[] Inputs = inputs;
        public readonly List<int> Readers = [];
        public State State;
        public bool IsRetired;
        public int Pins;
        public long LastUse;
        public long Visit;
    }

    private readonly EvictionScore _score;
    private readonly Func<int, double>? _staleness;
    private readonly List<Storage> _storages = [];
    private readonly List<int> _live = [];
    private readonly Stack<int> _pending = [];
    private long _clock, _visit;

    /// <summary>A policy that knows no storage yet.</summary>
    /// <param name="score">How to rank.</param>
    /// <param name="staleness">Replaces the number of ops since the last use, where the caller knows better: for example the
    /// number of ops until the next use of an id.</param>
    public EvictionPolicy(EvictionScore score = EvictionScore.Neighbourhood, Func<int, double>? staleness = null)
    {
        _score = score;
        _staleness = staleness;
    }

    /// <summary>Adds a storage that no op has made yet and returns its id; ids count up from 0.</summary>
    /// <param name="bytes">Bytes that evicting it gains.</param>
    /// <param name="ms">Time of the op that makes it.</param>
    /// <param name="inputs">Ids of the storages that this op reads.</param>
    public int Add(long bytes, double ms, params ReadOnlySpan<int> inputs)
    {
        int id = _storages.Count;
        _storages.Add(new Storage(bytes, ms, inputs.ToArray()));
        foreach (int input in inputs) _storages[input].Readers.Add(id);
        return id;
    }

    /// <summary>Begins the next op. Call it before evicting for the op and before marking what it uses.</summary>
    public void Tick() => _clock++;

    /// <summary>The op made <paramref name="id"/>, for the first time or again.</summary>
    public void Made(int id)
    {
        if (_storages[id].State == State.Live) throw new InvalidOperationException($"storage {id} is live already");
        _storages[id].State = State.Live;
        _live.Add(id);
        Touch(id);
    }

    /// <summary>The op reads <paramref name="id"/>.</summary>
    public void Touch(int id) => _storages[id].LastUse = _clock;

    /// <summary>Forbids to evict <paramref name="id"/> until as many calls of <see cref="Unpin"/>: operands of the op that
    /// runs, and for good what can never be made again.</summary>
    public void Pin(int id) => _storages[id].Pins++;

    /// <summary>Takes one pin back.</summary>
    public void Unpin(int id) => _storages[id].Pins--;

    /// <summary>Whether <paramref name="id"/> is in memory.</summary>
    public bool IsLive(int id) => _storages[id].State == State.Live;

    /// <summary>The runtime released <paramref name="id"/>; it can be made again.</summary>
    public void Evict(int id)
    {
        _live.Remove(id);
        _storages[id].State = State.Evicted;
    }

    /// <summary>No op to come reads <paramref name="id"/>, unless to make something else again. It may stay live.</summary>
    public void Retire(int id) => _storages[id].IsRetired = true;

    /// <summary>The live, unpinned storage of the lowest score, among equals the one of the lowest id; -1 if there is none.
    /// Storages of no bytes gain nothing and are left alone.</summary>
    public int ChooseVictim()
    {
        int victim = -1;
        double least = double.PositiveInfinity;
        foreach (int id in _live)
        {
            if (_storages[id].Pins > 0 || _storages[id].Bytes == 0) continue;
            double score = Score(id);
            if (victim >= 0 && (score > least || (score == least && id > victim))) continue;
            victim = id;
            least = score;
        }
        return victim;
    }

    private double Score(int id)
    {
        var storage = _storages[id];
        double staleness = _staleness?.Invoke(id) ?? _clock - storage.LastUse;
        return _score switch
        {
            EvictionScore.LeastRecentlyUsed => 1 / staleness,
            EvictionScore.Largest => 1.0 / storage.Bytes,
            EvictionScore.Local => storage.Ms / (storage.Bytes * staleness),
            _ => (storage.Ms + NeighbourhoodMs(id)) / (storage.Bytes * staleness),
        };
    }

    private double NeighbourhoodMs(int id)
    {
        _visit++;
        double ms = 0;
        foreach (bool isUp in (ReadOnlySpan<bool>)[true, false])
        {
            _pending.Push(id);
            while (_pending.TryPop(out int at))
            {
                var storage = _storages[at];
                foreach (int next in isUp ? storage.Inputs : CollectionsMarshal.AsSpan(storage.Readers))
                {
                    var neighbour = _storages[next];
                    bool counts = neighbour.State == State.Evicted && (isUp || !neighbour.IsRetired);
                    if (!counts || neighbour.Visit == _visit) continue;
                    neighbour.Visit = _visit;
                    ms += neighbour.Ms;
                    _pending.Push(next);
                }
            }
        }
        return ms;
    }
}
