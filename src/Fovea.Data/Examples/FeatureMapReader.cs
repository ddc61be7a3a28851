namespace Fovea.Data;

/// <summary>Walks over map&lt;string, message&gt; fields in the first field of messages in one field of a message: the features
/// of an Example, the context and the lists of a SequenceExample.</summary>
internal ref struct FeatureMapReader(ReadOnlySpan<byte> message, int field)
{
    private const uint EntryTag = (1 << 3) | 2;
    private const uint KeyTag = (1 << 3) | 2;
    private const uint ValueTag = (2 << 3) | 2;

    private readonly uint _mapTag = WireReader.Delimited(field);
    private WireReader _message = new(message);
    private WireReader _map;

    internal ReadOnlySpan<byte> Key { get; private set; }

    internal ReadOnlySpan<byte> Value { get; private set; }

    internal bool MoveNext()
    {
        while (true)
        {
            while (_map.IsAtEnd)
            {
                if (_message.IsAtEnd) return false;
                var tag = _message.ReadTag();
                if (tag == _mapTag) _map = new WireReader(_message.ReadBytes());
                else _message.Skip(tag);
            }
            var entryTag = _map.ReadTag();
            if (entryTag == EntryTag)
            {
                ReadEntry(_map.ReadBytes());
                return true;
            }
            _map.Skip(entryTag);
        }
    }

    // Key and value come in any order; a key or value that is not there is empty.
    private void ReadEntry(ReadOnlySpan<byte> bytes)
    {
        // A key of less than 128 bytes and then the value, and nothing else.
        if (bytes.Length > 2 && bytes[0] == KeyTag && bytes[1] is var length and < 0x80 && bytes.Length > 2 + length &&
            WireReader.IsOneField(bytes[(2 + length)..], ValueTag, out var value))
        {
            Key = bytes.Slice(2, length);
            Value = value;
            return;
        }
        Key = Value = default;
        var entry = new WireReader(bytes);
        while (!entry.IsAtEnd)
        {
            var tag = entry.ReadTag();
            if (tag == KeyTag) Key = entry.ReadBytes();
            else if (tag == ValueTag) Value = entry.ReadBytes();
            else entry.Skip(tag);
        }
    }
}
