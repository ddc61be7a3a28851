using System.Text.Json;

namespace Fovea.Detection.Evaluation;

/// <summary>The tokens of a JSON stream of any length in constant memory. Every complaint is an <see cref="AnnotationFormatException"/>
/// that names the file and the byte.</summary>
internal sealed class JsonTokens(Stream stream, string name)
{
    // One token has to fit in memory: masks as one long string are the largest honest ones.
    private const int MaxTokenBytes = 1 << 24;

    private byte[] _buffer = new byte[1 << 16];
    private int _start, _end;
    private long _bytesBefore;
    private bool _final;
    private JsonReaderState _state;
    private int _valueAt, _valueLength;
    private bool _escaped;

    public JsonTokenType Type { get; private set; }

    private ReadOnlySpan<byte> Value => _buffer.AsSpan(_valueAt, _valueLength);

    /// <summary>Moves to the next token; false at the end of the file.</summary>
    public bool Read()
    {
        while (true)
        {
            var reader = new Utf8JsonReader(_buffer.AsSpan(_start.._end), _final, _state);
            bool read;
            try
            {
                read = reader.Read();
            }
            catch (JsonException e)
            {
                throw new AnnotationFormatException(name, $"not valid JSON at byte {_bytesBefore + _start + reader.BytesConsumed}", e);
            }
            _state = reader.CurrentState;
            if (read)
            {
                Type = reader.TokenType;
                bool quoted = Type is JsonTokenType.String or JsonTokenType.PropertyName;
                _valueAt = _start + (int)reader.TokenStartIndex + (quoted ? 1 : 0);
                _valueLength = reader.ValueSpan.Length;
                _escaped = reader.ValueIsEscaped;
                _start += (int)reader.BytesConsumed;
                return true;
            }
            _start += (int)reader.BytesConsumed;
            if (_final) return false;
            Fill();
        }
    }

    /// <summary>Enters the object or array that comes next.</summary>
    public void Enter(JsonTokenType start, string what)
    {
        if (!Read() || Type != start) throw Invalid($"{what} must be {(start == JsonTokenType.StartObject ? "an object" : "an array")}");
    }

    /// <summary>Moves to the next name of the current object; false at its end.</summary>
    public bool NextProperty() => Read() && Type == JsonTokenType.PropertyName;

    /// <summary>Moves to the next element of the current array, which must be an object, and enters it; false at the array's end.</summary>
    public bool NextObject(string what)
    {
        if (!Read() || Type == JsonTokenType.EndArray) return false;
        return Type == JsonTokenType.StartObject ? true : throw Invalid($"{what} must be an object");
    }

    /// <summary>Whether the current name is this one.</summary>
    public bool NameIs(ReadOnlySpan<byte> expected) => !_escaped && Value.SequenceEqual(expected);

    /// <summary>Skips the value that comes next, however deep.</summary>
    public void Skip()
    {
        int depth = 0;
        do
        {
            if (!Read()) throw Invalid("the file ends early");
            if (Type is JsonTokenType.StartObject or JsonTokenType.StartArray) depth++;
            if (Type is JsonTokenType.EndObject or JsonTokenType.EndArray) depth--;
        }
        while (depth > 0);
    }

    public double ReadNumber(string what)
    {
        Read();
        return CurrentNumber(what);
    }

    public long ReadInteger(string what)
    {
        Read();
        if (Type == JsonTokenType.Number)
        {
            var reader = TokenReader(Value);
            if (reader.TryGetInt64(out long value)) return value;
        }
        throw Invalid($"{what} must be a whole number");
    }

    /// <summary>A truth value, or a number that is 0 or not.</summary>
    public bool ReadFlag(string what)
    {
        Read();
        return Type switch
        {
            JsonTokenType.True => true,
            JsonTokenType.False => false,
            _ => CurrentNumber(what) != 0,
        };
    }

    public string ReadString(string what)
    {
        Read();
        if (Type != JsonTokenType.String) throw Invalid($"{what} must be a string");
        try
        {
            return TokenReader(_buffer.AsSpan(_valueAt - 1, _valueLength + 2)).GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw new AnnotationFormatException(name, $"{what} is not valid text at byte {_bytesBefore + _start}", e);
        }
    }

    /// <summary>An array of exactly as many finite numbers as <paramref name="values"/> has.</summary>
    public void ReadNumbers(Span<double> values, string what)
    {
        Enter(JsonTokenType.StartArray, what);
        int count = 0;
        while (Read() && Type != JsonTokenType.EndArray)
        {
            if (count == values.Length) throw Invalid($"{what} has more than {values.Length} numbers");
            values[count++] = CurrentNumber(what);
        }
        if (count != values.Length) throw Invalid($"{what} has {count} numbers instead of {values.Length}");
    }

    public AnnotationFormatException Invalid(string problem) => new(name, $"{problem} (byte {_bytesBefore + _start})");

    private double CurrentNumber(string what)
    {
        if (Type == JsonTokenType.Number && TokenReader(Value).GetDouble() is var value && double.IsFinite(value)) return value;
        throw Invalid($"{what} must be a finite number");
    }

    // Parsing is Utf8JsonReader's; the token was valid where it stood, so it is valid alone.
    private static Utf8JsonReader TokenReader(ReadOnlySpan<byte> token)
    {
        var reader = new Utf8JsonReader(token);
        reader.Read();
        return reader;
    }

    private void Fill()
    {
        _buffer.AsSpan(_start.._end).CopyTo(_buffer);
        _bytesBefore += _start;
        _end -= _start;
        _start = 0;
        if (_end == _buffer.Length)
        {
            if (_end >= MaxTokenBytes) throw Invalid($"one value is longer than {MaxTokenBytes} bytes");
            Array.Resize(ref _buffer, 2 * _end);
        }
        bool first = _bytesBefore == 0 && _end == 0;
        int read = stream.ReadAtLeast(_buffer.AsSpan(_end), first ? 3 : 1, throwOnEndOfStream: false);
        _final = read == 0;
        _end += read;
        // Some editors put a byte order mark in front, which JSON forbids.
        if (first && _buffer.AsSpan(0, _end).StartsWith("\uFEFF"u8)) _start = 3;
    }
}
