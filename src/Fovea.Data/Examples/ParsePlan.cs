namespace Fovea.Data;

/// <summary>The columns of a parser and the features that they are made of, one slot for each name.</summary>
internal sealed class ParsePlan
{
    private readonly Dictionary<string, int> _slotOf = [];
    private readonly List<SlotPlan> _slots = [];

    internal ParsePlan(IEnumerable<FeatureSpec> specs, bool areLists)
    {
        AreLists = areLists;
        Columns = [.. specs.Select(Plan)];
        foreach (var group in Columns.GroupBy(column => column.Spec.Name))
            if (group.Count() > 1) throw new ArgumentException($"there are {group.Count()} features '{group.Key}'", nameof(specs));
        Keys = new KeyTable([.. _slots.Select(slot => slot.Key)]);
    }

    internal bool AreLists { get; }

    internal IReadOnlyList<ColumnPlan> Columns { get; }

    internal IReadOnlyList<SlotPlan> Slots => _slots;

    internal KeyTable Keys { get; }

    private ColumnPlan Plan(FeatureSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.Kind is not (FeatureKind.Bytes or FeatureKind.Float or FeatureKind.Int64))
            throw new ArgumentException($"feature '{spec.Name}': values cannot be of kind {spec.Kind}");
        return (spec, AreLists) switch
        {
            (FixedLenFeature f, false) => new(spec, Slot(new SlotPlan(f.Name, f.Kind)
            {
                Count = CountOf(spec, f.Shape),
                IsFixed = true,
                IsRequired = f.Default is null,
                Default = Checked(spec, f.Default, CountOf(spec, f.Shape)),
            })),
            (FixedLenSequenceFeature f, _) => new(spec, Slot(new SlotPlan(f.Name, f.Kind)
            {
                Count = CountOf(spec, f.Shape) is var count and > 0 ? count : throw Wrong(spec, "a step has no values"),
                IsFixedStep = AreLists,
                IsRequired = !f.AllowMissing,
            }))
            {
                Padding = Checked(spec, f.Padding, 1),
            },
            (VarLenFeature, _) => new(spec, Slot(new SlotPlan(spec.Name, spec.Kind))),
            (RaggedFeature { RowLengthsKey: null } f, _) => new(spec, Slot(new SlotPlan(f.ValueKey, f.Kind))),
            (RaggedFeature f, false) => new(spec, Slot(new SlotPlan(f.ValueKey, f.Kind)))
            {
                Parts = [Slot(new SlotPlan(f.RowLengthsKey!, FeatureKind.Int64))],
            },
            (SparseFeature f, false) => new(spec, Slot(new SlotPlan(f.ValueKey, f.Kind)))
            {
                Parts = f.IndexKeys.Count == f.Sizes.Count && f.Sizes.Count > 0
                    ? [.. f.IndexKeys.Select(key => Slot(new SlotPlan(key, FeatureKind.Int64)))]
                    : throw Wrong(spec, $"{f.IndexKeys.Count} index keys for {f.Sizes.Count} sizes"),
            },
            _ => throw Wrong(spec, $"a {spec.GetType().Name} cannot be taken from {(AreLists ? "a feature list" : "an Example")}"),
        };
    }

    // Columns may share a feature that they take in the same way.
    private int Slot(SlotPlan plan)
    {
        if (!_slotOf.TryGetValue(plan.Key, out var slot))
        {
            _slotOf.Add(plan.Key, slot = _slots.Count);
            _slots.Add(plan);
        }
        else if (_slots[slot] != plan)
        {
            throw new ArgumentException($"feature '{plan.Key}' is asked for in two ways");
        }
        return slot;
    }

    private static int CountOf(FeatureSpec spec, int[] shape)
    {
        long count = 1;
        foreach (var size in shape)
        {
            count *= size;
            if (size < 0 || count > 1 << 28) throw Wrong(spec, $"the shape [{string.Join(", ", shape)}] is impossible");
        }
        return (int)count;
    }

    private static FeatureValues? Checked(FeatureSpec spec, FeatureValues? values, int count)
    {
        if (values is not null && (values.Kind != spec.Kind || values.Count != count))
            throw Wrong(spec, $"the default has {values.Count} values of kind {values.Kind}, expected {count} of {spec.Kind}");
        return values;
    }

    private static ArgumentException Wrong(FeatureSpec spec, string problem) => new($"feature '{spec.Name}': {problem}");
}
