using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Fovea.Data;
using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

/// <summary>What holds for the training step of every system.</summary>
internal static class SystemChecks
{
    private const int Size = 32; // asked for; a system may have its own

    /// <summary>Equal seeds give equal bits, and so does a step that computes everything twice.</summary>
    public static void StepsAreEqualBitForBit(Func<Initializer, int, int, DetectionSystem> create)
    {
        using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { MaxThreads = 1 });
        var expected = Bits(stream, create, isCheckpointed: false);
        Assert.Equal(expected, Bits(stream, create, isCheckpointed: false));
        Assert.Equal(expected, Bits(stream, create, isCheckpointed: true));
    }

    /// <summary>Without objects the loss is finite and only the classes count.</summary>
    public static void AnEmptyImageHasLossOfClassesAlone(Func<Initializer, int, int, DetectionSystem> create) => AnEmptyImageHasLossOf(create, "classes");

    /// <summary>Without objects the loss is finite and only the named parts count.</summary>
    public static void AnEmptyImageHasLossOf(Func<Initializer, int, int, DetectionSystem> create, params string[] parts)
    {
        using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { MaxThreads = 1 });
        using var system = create(new Initializer(stream, 3), Size, 3);
        using var batch = new DetectionBatch(stream, 2, system.ImageSize, places: 4);
        // Not of one grey: where every channel is constant, each of a deep net's group normalisations multiplies gradients by 316.
        var scenes = Scenes(system.ImageSize);
        batch.Fill([scenes.Load(0) with { Objects = [] }, scenes.Load(1) with { Objects = [] }]);
        var tape = new Tape();
        var loss = system.Loss(batch.Images(tape), batch.Targets(tape));
        using var program = tape.Compile(stream, loss.Total, null, [.. loss.Parts.Select(p => p.Loss)]);
        program.Run();
        foreach (var (name, part) in loss.Parts)
        {
            var value = program.Read(part).ToArray<float>(stream)[0];
            Assert.True(parts.Contains(name) ? value > 0 && float.IsFinite(value) : value == 0, $"{name}: {value}");
        }
        foreach (var parameter in system.Parameters)
            Assert.All(parameter.Gradient.ToArray<float>(stream), g => Assert.True(float.IsFinite(g), parameter.Name));
    }

    /// <summary>With a pixel that is no number, neither is the loss.</summary>
    public static void NaNIsNotHidden(Func<Initializer, int, int, DetectionSystem> create)
    {
        using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { MaxThreads = 1 });
        using var system = create(new Initializer(stream, 3), Size, 3);
        using var batch = Batch(stream, system.ImageSize);
        var tape = new Tape();
        var images = batch.Images(tape);
        using var program = tape.Compile(stream, system.Loss(images, batch.Targets(tape)).Total);
        var pixels = new float[images.Spec.ElementCount];
        pixels[pixels.Length / 4] = float.NaN; // in the middle of the first image
        using var broken = DeviceTensor.From<float>(stream, pixels, images.Shape);
        program.Bind(images, broken);
        program.Run();
        Assert.True(float.IsNaN(program.ReadLoss()));
    }

    /// <summary>A few steps on two scenes lower the loss, and what is found has its form.</summary>
    /// <param name="create">Makes the system.</param>
    /// <param name="steps">Steps in all.</param>
    /// <param name="since">The step whose loss is to be lowered.</param>
    /// <param name="rate">Learning rate.</param>
    /// <param name="share">The part of the loss that may be left.</param>
    public static void AFewStepsLowerTheLoss(
        Func<Initializer, int, int, DetectionSystem> create, int steps = 12, int since = 1, float rate = 2e-3f, float share = 0.8f)
    {
        using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { MaxThreads = 1 });
        using var system = create(new Initializer(stream, 3), Size, 3);
        var scenes = Scenes(system.ImageSize);
        using var trainer = new DetectorTrainer(stream, system, scenes, new DetectorTrainingOptions { BatchSize = 2, Places = 4, Steps = steps, LearningRate = rate });
        var losses = Enumerable.Range(0, steps).Select(_ => trainer.Train().Loss).ToArray();
        var (first, last) = (losses[since - 1], losses[^1]);
        Assert.True(last < share * first, $"loss {first}, then {last}");
        using var evaluation = new DetectorEvaluation(stream, system, batchSize: 2);
        foreach (var found in evaluation.Detect([scenes.Load(0), scenes.Load(1)]))
        {
            Assert.Equal(found.OrderByDescending(d => d.Score), found);
            Assert.All(found, d => Assert.True(d.Score is > 0 and <= 1 && d.Class is >= 0 and < 3 && d.X1 >= 0 && d.Y2 <= system.ImageSize));
        }
    }

    /// <summary>Gradients of the named parameters' first elements against central differences of the recorded loss.</summary>
    public static void GradientsEqualDifferenceQuotients(Func<Initializer, int, int, DetectionSystem> create, params string[] names)
    {
        using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { MaxThreads = 1 });
        var init = new Initializer(stream, 3);
        using var system = create(init, Size, 3);
        // Away from where heads begin: distances of whole pixels lie on kinks of the overlap.
        foreach (var parameter in system.Parameters.Where(p => p.Spec.Rank == 1))
        {
            using var noise = init.Uniform(0.4f, parameter.Spec.Shape);
            Kernels.Binary(stream, BinaryOp.Add, parameter.Value, noise, parameter.Value);
        }
        using var batch = Batch(stream, system.ImageSize);
        var tape = new Tape();
        var loss = system.Loss(batch.Images(tape), batch.Targets(tape));
        using var program = tape.Compile(stream, loss.Total);
        program.Run();
        // Every further run adds to the gradients.
        var gradients = names.Select(n => system.Parameters.Single(p => p.Name == n)).Select(p => (p, p.Gradient.ToArray<float>(stream)[0])).ToArray();
        foreach (var (parameter, gradient) in gradients)
        {
            // The loss has about 1e-6 of rounding, so a quotient over 2^-6 has 1e-4 of it; curvature is removed by Richardson's rule.
            var (near, far) = (Quotient(parameter, 1f / 128), Quotient(parameter, 1f / 64));
            var expected = (4 * near - far) / 3;
            Assert.True(Math.Abs(gradient - expected) <= 5e-4 * program.ReadLoss() + 5e-3 * Math.Abs(expected), $"{parameter.Name}: gradient {gradient}, difference quotient {expected}");
        }

        double Quotient(Parameter parameter, float step)
        {
            var values = parameter.Value.ToArray<float>(stream);
            var x = values[0];
            var (above, below) = (Loss(x + step), Loss(x - step));
            Loss(x);
            return (above - below) / ((double)(x + step) - (x - step));

            double Loss(float at)
            {
                values[0] = at;
                parameter.Value.CopyFrom<float>(stream, values);
                program.Run();
                return program.ReadLoss();
            }
        }
    }

    /// <summary>Two scenes.</summary>
    public static SceneGenerator Scenes(int size) => new(new SceneOptions { Width = size, Height = size, MaxObjects = 2, MaxSize = 24 }, seed: 2, count: 2);

    private static DetectionBatch Batch(DeviceStream stream, int size)
    {
        var scenes = Scenes(size);
        var batch = new DetectionBatch(stream, 2, size, places: 4);
        batch.Fill([scenes.Load(0), scenes.Load(1)]);
        return batch;
    }

    // Of the loss and all gradients.
    private static string Bits(DeviceStream stream, Func<Initializer, int, int, DetectionSystem> create, bool isCheckpointed)
    {
        using var system = create(new Initializer(stream, 3), Size, 3);
        using var batch = Batch(stream, system.ImageSize);
        var tape = new Tape();
        var loss = system.Loss(batch.Images(tape), batch.Targets(tape)).Total;
        using var program = tape.Compile(stream, loss, isCheckpointed ? Twice(tape.Count) : null);
        Assert.Equal(isCheckpointed, program.RecomputedSteps > 0);
        program.Run();
        float[] bits = [program.ReadLoss(), .. system.Parameters.SelectMany(p => p.Gradient.ToArray<float>(stream))];
        return Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(bits.AsSpan())));
    }

    // Each half of the tape, labels included, is computed again before its backward pass.
    private static IReadOnlyList<TapeStep> Twice(int count) =>
    [
        .. Enumerable.Range(0, count).Select(TapeStep.Forward),
        .. Enumerable.Range(count / 2, count - count / 2).Select(TapeStep.Forward),
        .. Enumerable.Range(count / 2, count - count / 2).Reverse().Select(TapeStep.Backward),
        .. Enumerable.Range(0, count / 2).Select(TapeStep.Forward),
        .. Enumerable.Range(0, count / 2).Reverse().Select(TapeStep.Backward),
    ];
}
