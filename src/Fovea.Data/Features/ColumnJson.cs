using System.Text.Json;
using System.Text.Json.Serialization;

namespace Fovea.Data;

/// <summary>The columns of a file, as written.</summary>
internal sealed record ColumnListJson([property: JsonRequired] ColumnJson[] Columns);

/// <summary>TensorFlow's names of the types of raw features.</summary>
internal enum DtypeJson
{
    String = FeatureKind.Bytes,
    Float32 = FeatureKind.Float,
    Int64 = FeatureKind.Int64,
}

/// <summary>One column as written; "type" chooses the record. Every record makes one column, but a shared embedding
/// several.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type", UnknownDerivedTypeHandling = JsonUnknownDerivedTypeHandling.FailSerialization)]
[JsonDerivedType(typeof(NumericJson), "numeric")]
[JsonDerivedType(typeof(BucketizedJson), "bucketized")]
[JsonDerivedType(typeof(VocabularyJson), "vocabulary")]
[JsonDerivedType(typeof(VocabularyFileJson), "vocabulary_file")]
[JsonDerivedType(typeof(IdentityJson), "identity")]
[JsonDerivedType(typeof(HashBucketJson), "hash_bucket")]
[JsonDerivedType(typeof(CrossedJson), "crossed")]
[JsonDerivedType(typeof(WeightedJson), "weighted")]
[JsonDerivedType(typeof(IndicatorJson), "indicator")]
[JsonDerivedType(typeof(EmbeddingJson), "embedding")]
[JsonDerivedType(typeof(SharedEmbeddingJson), "shared_embedding")]
[JsonDerivedType(typeof(SequenceCategoricalJson), "sequence_categorical")]
[JsonDerivedType(typeof(SequenceNumericJson), "sequence_numeric")]
internal abstract record ColumnJson
{
    /// <summary>The columns; <paramref name="folder"/> is where the file lies.</summary>
    public abstract IEnumerable<FeatureColumn> Make(string? folder);

    protected static T Only<T>(ColumnJson json, string? folder, string role) where T : class =>
        json.Make(folder).ToArray() is [T column]
            ? column
            : throw new FeatureException(role, $"takes no column of type {json.GetType().Name[..^4]}");
}

internal sealed record NumericJson(string Key, int[]? Shape = null, double? Default = null, float? Mean = null, float? Deviation = null,
    DtypeJson Dtype = DtypeJson.Float32) : ColumnJson
{
    public override IEnumerable<FeatureColumn> Make(string? folder) =>
        [new NumericColumn(Key, Shape, Default, Normalizer(Key, Mean, Deviation), (FeatureKind)Dtype)];

    internal static Func<double, double>? Normalizer(string key, float? mean, float? deviation)
    {
        if (mean is null && deviation is null) return null;
        if (deviation is 0 || !float.IsFinite(mean ?? 0) || !float.IsFinite(deviation ?? 1))
            throw new FeatureException(key, "mean and deviation must be finite, and the deviation not 0");
        return new Standardizer(mean ?? 0, deviation ?? 1).Apply;
    }
}

internal sealed record BucketizedJson(ColumnJson Source, float[] Boundaries) : ColumnJson
{
    public override IEnumerable<FeatureColumn> Make(string? folder) =>
        [new BucketizedColumn(Only<NumericColumn>(Source, folder, "bucketized"), Boundaries)];
}

internal sealed record VocabularyJson(string Key, JsonElement Values, int OovBuckets = 0, long? Default = null) : ColumnJson
{
    public override IEnumerable<FeatureColumn> Make(string? folder)
    {
        if (Values.ValueKind != JsonValueKind.Array) throw new FeatureException(Key, "values must be a list");
        var values = Values.EnumerateArray().ToArray();
        if (values.All(v => v.ValueKind == JsonValueKind.String))
            return [new VocabularyColumn(Key, [.. values.Select(v => v.GetString()!)], OovBuckets, Default)];
        if (values.All(v => v.ValueKind == JsonValueKind.Number && v.TryGetInt64(out _)))
            return [new VocabularyColumn(Key, [.. values.Select(v => v.GetInt64())], OovBuckets, Default)];
        throw new FeatureException(Key, "values must all be strings or all be integers");
    }
}

internal sealed record VocabularyFileJson(string Key, string File, int? Size = null, DtypeJson Dtype = DtypeJson.String, int OovBuckets = 0,
    long? Default = null) : ColumnJson
{
    // A column file may come from elsewhere: it reads beside itself and nowhere else.
    public override IEnumerable<FeatureColumn> Make(string? folder)
    {
        if (folder is null) throw new FeatureException(Key, "a vocabulary file needs a column file to lie beside");
        if (Path.IsPathRooted(File) || File.Split('/', '\\').Contains(".."))
            throw new FeatureException(Key, $"'{File}' does not lie beside the column file");
        var path = Path.Combine(folder, File);
        if (!System.IO.File.Exists(path)) throw new FeatureException(Key, $"there is no file '{File}'");
        return [VocabularyColumn.FromFile(Key, path, Size, (FeatureKind)Dtype, OovBuckets, Default)];
    }
}

internal sealed record IdentityJson(string Key, long Buckets, long? Default = null) : ColumnJson
{
    public override IEnumerable<FeatureColumn> Make(string? folder) => [new IdentityColumn(Key, Buckets, Default)];
}

internal sealed record HashBucketJson(string Key, long Buckets, DtypeJson Dtype = DtypeJson.String) : ColumnJson
{
    public override IEnumerable<FeatureColumn> Make(string? folder) => [new HashBucketColumn(Key, Buckets, (FeatureKind)Dtype)];
}

internal sealed record CrossedJson(JsonElement[] Keys, long Buckets, ulong? HashKey = null) : ColumnJson
{
    public override IEnumerable<FeatureColumn> Make(string? folder) =>
        [new CrossedColumn([.. Keys.Select(k => Side(k, folder))], Buckets, HashKey)];

    // A string names a raw feature, an object is a column.
    private static CrossKey Side(JsonElement key, string? folder) => key.ValueKind == JsonValueKind.String
        ? new CrossKey(key.GetString()!)
        : new CrossKey(Only<FeatureColumn>(key.Deserialize(ColumnJsonContext.Default.ColumnJson)
            ?? throw new FeatureException("crossed", "a key is null"), folder, "crossed"));
}

internal sealed record WeightedJson(ColumnJson Categorical, string WeightKey) : ColumnJson
{
    public override IEnumerable<FeatureColumn> Make(string? folder) =>
        [new WeightedCategoricalColumn(Only<ICategoricalColumn>(Categorical, folder, "weighted"), WeightKey)];
}

internal sealed record IndicatorJson(ColumnJson Categorical) : ColumnJson
{
    public override IEnumerable<FeatureColumn> Make(string? folder) =>
        [new IndicatorColumn(Only<ICategoricalColumn>(Categorical, folder, "indicator"))];
}

internal sealed record EmbeddingJson(ColumnJson Categorical, int Dimension, Combiner Combiner = Combiner.Mean, float? MaxNorm = null,
    bool Trainable = true) : ColumnJson
{
    public override IEnumerable<FeatureColumn> Make(string? folder) =>
        [new EmbeddingColumn(Only<ICategoricalColumn>(Categorical, folder, "embedding"), Dimension, Combiner, MaxNorm, Trainable)];
}

internal sealed record SharedEmbeddingJson(ColumnJson[] Categoricals, int Dimension, Combiner Combiner = Combiner.Mean, float? MaxNorm = null,
    bool Trainable = true, string? TableName = null) : ColumnJson
{
    public override IEnumerable<FeatureColumn> Make(string? folder) =>
        EmbeddingColumn.Shared([.. Categoricals.Select(c => Only<ICategoricalColumn>(c, folder, "shared_embedding"))], Dimension, Combiner, MaxNorm,
            Trainable, TableName);
}

internal sealed record SequenceCategoricalJson(ColumnJson Categorical) : ColumnJson
{
    public override IEnumerable<FeatureColumn> Make(string? folder) =>
        [new SequenceCategoricalColumn(Only<KeyedCategoricalColumn>(Categorical, folder, "sequence_categorical"))];
}

internal sealed record SequenceNumericJson(string Key, int[]? Shape = null, float Default = 0, float? Mean = null, float? Deviation = null,
    DtypeJson Dtype = DtypeJson.Float32) : ColumnJson
{
    public override IEnumerable<FeatureColumn> Make(string? folder) =>
        [new SequenceNumericColumn(Key, Shape, Default, NumericJson.Normalizer(Key, Mean, Deviation), (FeatureKind)Dtype)];
}

// Unknown members are errors: a misspelt option must not become a default.
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowOutOfOrderMetadataProperties = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true,
    AllowTrailingCommas = true, ReadCommentHandling = JsonCommentHandling.Skip, MaxDepth = 32, AllowDuplicateProperties = false,
    Converters = [typeof(LowerCase<DtypeJson>), typeof(LowerCase<Combiner>)])]
[JsonSerializable(typeof(ColumnListJson))]
internal sealed partial class ColumnJsonContext : JsonSerializerContext;

/// <summary>Names of an enumeration in lower case; numbers are refused.</summary>
internal sealed class LowerCase<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    where T : struct, Enum;
