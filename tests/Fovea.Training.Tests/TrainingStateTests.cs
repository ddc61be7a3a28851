using Fovea.Data;
using Fovea.Training.Tests.Checkpointing;

namespace Fovea.Training.Tests;

public sealed class TrainingStateTests
{
    [Fact]
    public void AResumedRunHasTheBitsOfOneThatNeverStopped()
    {
        using var folder = new TemporaryFolder();
        using var stream = Device.Cpu.CreateStream();
        using var whole = new Trainer(stream);
        whole.Steps(6);

        using var first = new Trainer(stream);
        first.Steps(3);
        first.State.Save(folder.Of("state"));
        first.Steps(2); // lost
        using var second = new Trainer(stream);
        second.State.Load(folder.Of("state"));
        Assert.Equal((3, "row 3"), (second.State.Step, second.State.DataPosition));
        second.Steps(3);

        Assert.Equal(whole.Bits(), second.Bits());
    }

    [Fact]
    public void AFailedSaveLeavesTheOldStateAndADamagedOneChangesNothing()
    {
        using var folder = new TemporaryFolder();
        using var stream = Device.Cpu.CreateStream();
        using var trainer = new Trainer(stream);
        trainer.Steps(1);
        trainer.State.Save(folder.Of("state"));
        var saved = File.ReadAllBytes(folder.Of("state"));

        // A buffer that cannot be written stops the save in the middle.
        var gone = DeviceTensor.Allocate(stream, DType.Float32, 4);
        trainer.State.AddBuffer("gone", gone);
        gone.Dispose();
        Assert.ThrowsAny<ObjectDisposedException>(() => trainer.State.Save(folder.Of("state")));
        Assert.Equal(saved, File.ReadAllBytes(folder.Of("state")));
        Assert.Single(Directory.GetFiles(folder.Path));

        File.WriteAllBytes(folder.Of("cut"), saved[..^1]);
        using var other = new Trainer(stream);
        var before = other.Bits();
        Assert.Throws<SafetensorsException>(() => other.State.Load(folder.Of("cut")));
        Assert.Equal(before, other.Bits());
    }

    private sealed class Trainer : IDisposable
    {
        private readonly DeviceStream _stream;
        private readonly SmallModel _model;
        private readonly TapeProgram _program;
        private readonly Optimizer _optimizer;
        private readonly MovingAverage _average;
        private readonly TrainingLoop _loop;

        public Trainer(DeviceStream stream)
        {
            _stream = stream;
            _model = new SmallModel(stream).Build("transformer with dropout");
            _optimizer = new Optimizer(stream, new OptimizerOptions { WeightDecay = 0.01f }, _model.Parameters);
            _average = new MovingAverage(stream, _model.Parameters.Select(p => (p.Name, p.Value)), MovingAverage.Ramp(0.99f));
            State = new TrainingState(stream, _optimizer, seed: 3) { Average = _average, LossScale = new LossScale(8, growAfter: 2) };
            _program = _model.Tape.Compile(stream, _model.Loss);
            _loop = new TrainingLoop(_program, _optimizer, State, LearningRate.Cosine(1e-2f, 0, 10)) { MaxGradientNorm = 1 };
        }

        public TrainingState State { get; }

        public void Steps(int count)
        {
            for (var i = 0; i < count; i++)
            {
                _loop.Step();
                State.DataPosition = $"row {State.Step}";
            }
        }

        public float[][] Bits() =>
        [
            .. _model.Parameters.Select(p => p.Value.ToArray<float>(_stream)),
            .. _average.Averages.Select(a => a.Tensor.ToArray<float>(_stream)),
            [State.LossScale!.Value, State.LossScale.CleanSteps],
        ];

        public void Dispose()
        {
            _program.Dispose();
            _average.Dispose();
            _optimizer.Dispose();
            _model.Dispose();
        }
    }
}
