using System.Globalization;
using System.Text;

namespace Fovea.Data;

/// <summary>Where the records of an uncompressed file start. On disk it is a text file with a line for each record, the offset
/// and the length with framing, both in bytes: the form that NVIDIA DALI's <c>tfrecord2idx</c> writes.</summary>
public sealed class TfRecordIndex
{
    private readonly long[] _offsets;
    private readonly int[] _lengths;

    private TfRecordIndex(long[] offsets, int[] lengths) => (_offsets, _lengths) = (offsets, lengths);

    /// <summary>Number of records.</summary>
    public int Count => _offsets.Length;

    /// <summary>Where a record starts, as <see cref="TfRecordFile.ReadAt"/> takes it.</summary>
    public long this[int record] => _offsets[record];

    /// <summary>Where the index of a file lies by default.</summary>
    public static string PathOf(string path) => path + ".idx";

    /// <summary>Goes over a file. Only the headers are read, so damage of the data is not seen.</summary>
    /// <exception cref="TfRecordException">The file is truncated, or a header is damaged.</exception>
    public static TfRecordIndex Build(TfRecordFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        var (offsets, lengths) = (new List<long>(), new List<int>());
        var scanner = new TfRecordScanner(file.Name, new TfRecordReaderOptions { VerifyData = false }, 0);
        while (file.TryRead(ref scanner, out var record))
        {
            lengths.Add(record.Length + TfRecordFraming.Overhead);
            offsets.Add(scanner.Position - lengths[^1]);
        }
        return new TfRecordIndex([.. offsets], [.. lengths]);
    }

    /// <summary>Reads an index file.</summary>
    /// <exception cref="InvalidDataException">A line is not an offset and a length, or records overlap.</exception>
    public static TfRecordIndex Load(string path)
    {
        var (offsets, lengths) = (new List<long>(), new List<int>());
        long end = 0;
        foreach (var line in File.ReadLines(path))
        {
            var cut = line.IndexOf(' ', StringComparison.Ordinal);
            if (cut < 0 || !long.TryParse(line.AsSpan(0, cut), NumberStyles.None, CultureInfo.InvariantCulture, out var offset) ||
                !int.TryParse(line.AsSpan(cut + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var length) ||
                offset < end || length < TfRecordFraming.Overhead || offset > long.MaxValue - length)
                throw new InvalidDataException($"{path}: line {offsets.Count + 1} is not the place of a record: '{line}'");
            offsets.Add(offset);
            lengths.Add(length);
            end = offset + length;
        }
        return new TfRecordIndex([.. offsets], [.. lengths]);
    }

    /// <summary>Writes an index file; an existing one is replaced.</summary>
    public void Save(string path)
    {
        using var writer = new StreamWriter(path, append: false, new UTF8Encoding(false)) { NewLine = "\n" };
        for (var i = 0; i < Count; i++) writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{_offsets[i]} {_lengths[i]}"));
    }
}
