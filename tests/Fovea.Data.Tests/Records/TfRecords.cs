namespace Fovea.Data.Tests.Records;

/// <summary>Every way to read a file, brought to one form: its records, or the damage met after some of them.</summary>
internal static class TfRecords
{
    internal delegate List<byte[]> Reading(byte[] file, TfRecordReaderOptions? options = null);

    internal static readonly Dictionary<string, Reading> Readings = new()
    {
        ["span"] = Span,
        ["stream"] = (file, options) => Stream(new MemoryStream(file), options),
        ["stream of single bytes"] = (file, options) => Stream(new TrickleStream(file, 1), options),
        ["async stream"] = (file, options) => Async(new TrickleStream(file, 7), options),
        ["pipe"] = (file, options) => Pipe(file, 5, options),
        ["mapped file"] = Mapped,
    };

    internal static byte[] Write(params IEnumerable<byte[]> records) => Write(new TfRecordWriterOptions(), records);

    internal static byte[] Write(TfRecordWriterOptions options, params IEnumerable<byte[]> records)
    {
        using var bytes = new MemoryStream();
        using (var writer = new TfRecordWriter(bytes, options, leaveOpen: true))
            foreach (var record in records) writer.Write(record);
        return bytes.ToArray();
    }

    internal static byte[] Gzip(byte[] bytes)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new System.IO.Compression.GZipStream(compressed, System.IO.Compression.CompressionLevel.Fastest)) gzip.Write(bytes);
        return compressed.ToArray();
    }

    /// <summary>Records of unlike lengths, the empty one among them.</summary>
    internal static byte[][] Sample(int count, int seed = 1)
    {
        var random = new Random(seed);
        var records = new byte[count][];
        for (var i = 0; i < count; i++) random.NextBytes(records[i] = new byte[i == 1 ? 0 : random.Next(0, 60)]);
        return records;
    }

    internal static List<byte[]> Stream(Stream stream, TfRecordReaderOptions? options = null)
    {
        using var reader = new TfRecordReader(stream, options);
        var records = new List<byte[]>();
        while (reader.Read()) records.Add(reader.Current.ToArray());
        return records;
    }

    private static List<byte[]> Span(byte[] file, TfRecordReaderOptions? options)
    {
        var records = new List<byte[]>();
        foreach (var record in new TfRecordSpanReader(file, options)) records.Add(record.ToArray());
        return records;
    }

    private static List<byte[]> Async(Stream stream, TfRecordReaderOptions? options) => Task.Run(async () =>
    {
        await using var reader = new TfRecordReader(stream, options);
        var records = new List<byte[]>();
        await foreach (var record in reader.ReadAllAsync()) records.Add(record.ToArray());
        return records;
    }).GetAwaiter().GetResult();

    private static List<byte[]> Pipe(byte[] file, int pieces, TfRecordReaderOptions? options) => Task.Run(async () =>
    {
        var records = new List<byte[]>();
        var pipe = System.IO.Pipelines.PipeReader.Create(new TrickleStream(file, pieces), new System.IO.Pipelines.StreamPipeReaderOptions(bufferSize: 16));
        await foreach (var record in TfRecordPipe.ReadAllAsync(pipe, options)) records.Add(record.ToArray());
        return records;
    }).GetAwaiter().GetResult();

    private static List<byte[]> Mapped(byte[] file, TfRecordReaderOptions? options)
    {
        using var folder = new TempFolder();
        var path = folder.Write("a.tfrecord", file);
        using var mapped = new TfRecordFile(path, options);
        var records = new List<byte[]>();
        foreach (var record in mapped.Read()) records.Add(record.ToArray());
        return records;
    }

    /// <summary>A stream that gives a few bytes at a time, each time from another thread where it is asked
    /// asynchronously.</summary>
    private sealed class TrickleStream(byte[] bytes, int most) : MemoryStream(bytes, 0, bytes.Length, writable: false, publiclyVisible: true)
    {
        public override bool CanSeek => false;

        public override int Read(Span<byte> buffer)
        {
            var count = (int)Math.Min(Math.Min(most, buffer.Length), Length - Position);
            GetBuffer().AsSpan((int)Position, count).CopyTo(buffer);
            Position += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            return Read(buffer.Span);
        }
    }
}
