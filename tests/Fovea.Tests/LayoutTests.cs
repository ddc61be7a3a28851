using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.InteropServices;
using Fovea.Interop;
using Xunit;

namespace Fovea.Tests;

/// <summary>The generated structs against the layout that the native library was compiled with.</summary>
public sealed unsafe class LayoutTests
{
    private static readonly Assembly Bindings = typeof(NativeMethods).Assembly;

    [Fact]
    public void GeneratedStructsHaveTheNativeLayout()
    {
        var wrong = new List<string>();
        foreach (var (type, field, offset, size) in Entries())
        {
            if (Bindings.GetType("Fovea.Interop." + type) is not { } managed)
                wrong.Add($"{type} has no binding");
            else if (field is null)
            {
                if (SizeOf(managed) != size) wrong.Add($"{type} has {SizeOf(managed)} bytes, native {size}");
            }
            else if (managed.GetField(field) is not { } managedField)
                wrong.Add($"{type}.{field} has no binding");
            else if (OffsetOf(managedField) != offset || SizeOf(managedField.FieldType) != size)
                wrong.Add($"{type}.{field} is at {OffsetOf(managedField)} with {SizeOf(managedField.FieldType)} bytes, native {offset} and {size}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void EveryStructAndFieldIsInTheTable()
    {
        var known = Entries().Select(e => (e.Type, e.Field ?? "")).ToHashSet();
        var missing =
            from type in Bindings.GetTypes()
            where type.Name.StartsWith("fovea_", StringComparison.Ordinal) && type is { IsValueType: true, IsEnum: false }
            let fields = type.GetFields(BindingFlags.Public | BindingFlags.Instance)
            where fields.Length > 0 // opaque handles have none
            from name in fields.Select(f => f.Name).Where(n => n != "reserved").Prepend("")
            where !known.Contains((type.Name, name))
            select $"{type.Name}.{name}";
        Assert.Equal([], missing);
    }

    [Fact]
    public void AbiVersionsAgree() => Assert.Equal(NativeMethods.FOVEA_ABI_VERSION, NativeMethods.fovea_abi_version());

    [Fact]
    public void EnumsOfTheApiHaveTheNativeNumbers()
    {
        AssertSame<ActivationKind, fovea_activation>("FOVEA_ACTIVATION_");
        AssertSame<PoolMode, fovea_pool_mode>("FOVEA_POOL_");
        AssertSame<UnaryOp, fovea_unary_op>("FOVEA_UNARY_");
        AssertSame<BinaryOp, fovea_binary_op>("FOVEA_BINARY_");
        AssertSame<ReduceOp, fovea_reduce_op>("FOVEA_REDUCE_");
        AssertSame<ResizeMode, fovea_resize_mode>("FOVEA_RESIZE_");
        AssertSame<DeltaMode, fovea_delta_mode>("FOVEA_DELTA_");
        AssertSame<Overlap, fovea_overlap>("FOVEA_OVERLAP_");
        AssertSame<PointwiseLossKind, fovea_pointwise_loss_kind>("FOVEA_LOSS_");
        AssertSame<Conv2DAlgorithm, fovea_conv2d_algorithm>("FOVEA_CONV2D_");
        AssertSame<RecurrentCell, fovea_recurrent_cell>("FOVEA_CELL_");
        AssertSame<ScoreMode, fovea_score_mode>("FOVEA_SCORE_");
        AssertSame<BoxMode, fovea_box_mode>("FOVEA_BOX_");
        AssertSame<PeakSize, fovea_peak_size>("FOVEA_PEAK_");
        AssertSame<SoftNmsMethod, fovea_soft_nms_method>("FOVEA_", without: "_NMS");
        AssertSame<WeightedNmsMethod, fovea_weighted_nms_method>("FOVEA_", without: "_NMS");
        AssertSame<OptimizerKind, fovea_optimizer>("FOVEA_OPTIMIZER_");
        AssertSame<InstructionSet, fovea_isa>("FOVEA_ISA_");
        AssertSame<DeviceType, fovea_device_type>("FOVEA_");
        AssertSame<Status, fovea_status>("FOVEA_");
    }

    private static void AssertSame<TApi, TNative>(string prefix, string without = "_") where TApi : struct, Enum where TNative : struct, Enum
    {
        var api = Enum.GetValues<TApi>().Select(v => (v.ToString().ToUpperInvariant(), Convert.ToInt64(v)));
        var native = Enum.GetValues<TNative>().Select(v => (v.ToString()[prefix.Length..].Replace(without, "").Replace("_", ""), Convert.ToInt64(v)));
        Assert.Equal(native, api);
    }

    private static List<(string Type, string? Field, long Offset, long Size)> Entries()
    {
        fovea_layout_entry* entries;
        long count;
        Assert.Equal(fovea_status.FOVEA_OK, NativeMethods.fovea_layout(&entries, &count));
        var list = new List<(string, string?, long, long)>();
        for (long i = 0; i < count; i++)
            list.Add((Text(entries[i].type_name)!, Text(entries[i].field_name), entries[i].offset, entries[i].size));
        return list;
    }

    private static string? Text(sbyte* utf8) => Marshal.PtrToStringUTF8((nint)utf8);

    // What the runtime really uses, not what marshalling would make of it.
    private static long SizeOf(Type type) => Emit([], il => il.Emit(OpCodes.Sizeof, type));

    private static long OffsetOf(FieldInfo field) => Emit([], il =>
    {
        var local = il.DeclareLocal(field.DeclaringType!);
        il.Emit(OpCodes.Ldloca, local);
        il.Emit(OpCodes.Ldflda, field);
        il.Emit(OpCodes.Conv_U);
        il.Emit(OpCodes.Ldloca, local);
        il.Emit(OpCodes.Conv_U);
        il.Emit(OpCodes.Sub);
    });

    private static long Emit(Type[] parameters, Action<ILGenerator> body)
    {
        var method = new DynamicMethod("layout", typeof(long), parameters, typeof(LayoutTests).Module, skipVisibility: true);
        var il = method.GetILGenerator();
        body(il);
        il.Emit(OpCodes.Conv_I8);
        il.Emit(OpCodes.Ret);
        return ((Func<long>)method.CreateDelegate(typeof(Func<long>)))();
    }
}
