using System.Numerics;

namespace Fovea.Tests.Cases;

public sealed class ImageCases : IKernelCases
{
    // Weights in f32 against double, on values up to 255.
    private const double Tolerance = 2e-5;

    public IEnumerable<KernelCase> Cases =>
    [
        .. Enum.GetValues<ResizeMode>().Select(mode => Resize($"{mode} down", new ResizeOptions { Mode = mode }, DType.Float32)),
        Resize("bilinear antialias", new ResizeOptions { Antialias = true, Scale = 1 / 127.5f, Offset = -1 }, DType.Float32),
        Resize("bilinear to u8", new ResizeOptions(), DType.UInt8),
        .. Enum.GetValues<ResizeMode>().Select(mode => ResizeBackward($"{mode} up", new ResizeOptions { Mode = mode })),
        ResizeBackward("bilinear antialias", new ResizeOptions { Antialias = true, Scale = 2 }, down: true),
        Letterbox(),
        CropResize("area, plus one", new CropResizeOptions { Resize = new ResizeOptions { Mode = ResizeMode.Area }, PlusOne = true }),
        CropResize("bilinear", new CropResizeOptions { PadValue = 114 }),
    ];

    private static KernelCase Resize(string name, ResizeOptions options, DType to) => new($"resize {name}", stream =>
    {
        var run = new KernelRun();
        var x = run.Input(Data.Image(stream, 1, 1, 37, 53, 3));
        var y = run.Output(DeviceTensor.Allocate(stream, to, 1, 19, 24, 3));
        run.Call = s => Kernels.Resize(s, options, x, y);
        return run;
    })
    { Tolerance = Tolerance, Steps = 1, Bytes = 37 * 53 * 3 + 19 * 24 * 3 * to.Size() };

    private static KernelCase ResizeBackward(string name, ResizeOptions options, bool down = false) => new($"resize_backward {name}", stream =>
    {
        var run = new KernelRun();
        var dy = run.Input(down ? Data.Tensor(stream, 1, 1, 11, 13, 19) : Data.Tensor(stream, 1, 1, 37, 53, 19));
        var dx = run.Output(down ? Data.Empty(stream, 1, 37, 53, 19) : Data.Empty(stream, 1, 11, 13, 19));
        run.Call = s => Kernels.ResizeBackward(s, options, dy, dx);
        return run;
    })
    { Tolerance = Tolerance, PropagatesNan = true, Bytes = 4 * 19 * (37 * 53 + 11 * 13), Flops = 2 * 19 * (11 * 53 * 4 + 37 * 53 * 4) };

    private static KernelCase Letterbox() => new("letterbox 53x37 to 32x32", stream =>
    {
        var options = LetterboxOptions.Fit(53, 37, 32, 32) with
        {
            ReverseChannels = true,
            PadValue = 114,
            Mean = new Vector4(127.5f),
            Scale = new Vector4(1 / 128f),
        };
        var run = new KernelRun();
        var x = run.Input(Data.Image(stream, 1, 1, 37, 53, 3));
        var y = run.Output(Data.Empty(stream, 1, 32, 32, 3));
        run.Call = s => Kernels.Letterbox(s, options, x, y);
        return run;
    })
    { Tolerance = Tolerance, Bytes = 37 * 53 * 3 + 4 * 32 * 32 * 3 };

    private static KernelCase CropResize(string name, CropResizeOptions options) => new($"crop_resize {name}", stream =>
    {
        var run = new KernelRun();
        var x = run.Input(Data.Image(stream, 1, 2, 40, 40, 3));
        var boxes = run.Own(DeviceTensor.From<float>(stream, [1, 1, 24, 24, -5, 3, 20, 31, 10, 10, 50, 50, 7, 7, 7, 3], 4, 4));
        var image = run.Own(DeviceTensor.From<int>(stream, [0, 1, 1, 0], 4));
        var y = run.Output(Data.Empty(stream, 4, 12, 12, 3));
        run.Call = s => Kernels.CropResize(s, options, x, boxes, image, y);
        return run;
    })
    { Tolerance = Tolerance, Bytes = 2 * 40 * 40 * 3 + 4 * 4 * 12 * 12 * 3 };
}
