using Fovea.Bench.Measure;
using Fovea.Bench.Workloads;
using Fovea.Data;
using Google.Protobuf;

namespace Fovea.Bench.Peers.Records;

/// <summary>Examples by Google.Protobuf's generated classes, copied from them into the same columns.</summary>
internal sealed class ProtobufPeer : IPeer
{
    public string Name { get; } = $"Google.Protobuf {typeof(IMessage).Assembly.GetName().Version!.ToString(3)}";

    public IEnumerable<Contestant> Create(Workload workload, int threads) =>
        workload is ExampleWorkload examples ? [Create(examples)] : [];

    private Contestant Create(ExampleWorkload workload)
    {
        var columns = workload.Features.Select(f => new Column(f)).ToArray();
        return ManagedContestant.Create(Name, () =>
        {
            foreach (var column in columns) column.Clear();
            foreach (byte[] bytes in workload.Examples)
            {
                var features = Proto.Example.Parser.ParseFrom(bytes).Features.Feature;
                foreach (var column in columns) column.Add(features[column.Name]);
            }
        }, () => [.. columns.SelectMany(c => c.Values)]);
    }

    // The lists keep their memory, as the batch does.
    private sealed class Column(FeatureSpec spec)
    {
        private readonly List<long> _integers = [];
        private readonly List<float> _floats = [];
        private readonly List<int> _offsets = [0];
        private byte[] _bytes = [];

        public string Name => spec.Name;

        public IEnumerable<float> Values => spec.Kind switch
        {
            FeatureKind.Int64 => _integers.Select(i => (float)i),
            FeatureKind.Float => _floats,
            _ => _offsets.Skip(1).Select((end, i) => (float)(end - _offsets[i])),
        };

        public void Clear()
        {
            _integers.Clear();
            _floats.Clear();
            _offsets.RemoveRange(1, _offsets.Count - 1);
        }

        public void Add(Proto.Feature feature)
        {
            switch (spec.Kind)
            {
                case FeatureKind.Int64:
                    _integers.AddRange(feature.Int64List.Value);
                    break;
                case FeatureKind.Float:
                    _floats.AddRange(feature.FloatList.Value);
                    break;
                default:
                    foreach (var value in feature.BytesList.Value)
                    {
                        int start = _offsets[^1], end = start + value.Length;
                        if (_bytes.Length < end) Array.Resize(ref _bytes, 2 * end);
                        value.Span.CopyTo(_bytes.AsSpan(start));
                        _offsets.Add(end);
                    }

                    break;
            }
        }
    }
}
