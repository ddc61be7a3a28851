// dotnet run -c Release --project benchmarks/Fovea.Benchmarks -- mtcnn | kernels | micro
using System.CommandLine;
using BenchmarkDotNet.Running;
using Fovea.Benchmarks.Cases;
using Fovea.Benchmarks.Mtcnn;
using Fovea.Data;

var save = new Option<bool>("--save") { Description = "Write the report to benchmarks/results/<machine>/." };

var image = new Option<string?>("--image") { Description = "Image to look at; default: the sample photo that build/models.sh brings." };
var minFace = new Option<int>("--min-face") { Description = "Side of the smallest face in pixels.", DefaultValueFactory = _ => 20 };
var seconds = new Option<double>("--seconds") { Description = "Timed seconds per side and number of threads.", DefaultValueFactory = _ => 30 };
var mtcnnThreads = new Option<int[]>("--threads") { Description = "Numbers of threads, 1 and/or 2.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [1, 2] };
var batch = new Option<int>("--batch") { Description = "Crops per call of the peer's R-Net and O-Net.", DefaultValueFactory = _ => new PeerOptions().Batch };
var verify = new Option<string?>("--verify-peer") { Description = "Only compare the peer's networks with the tensors recorded in this folder." };
var mtcnn = new Command("mtcnn", "The MTCNN cascade against ONNX Runtime: p50, p99, p99.9, allocated bytes.") { image, minFace, seconds, mtcnnThreads, batch, verify, save };
mtcnn.SetAction(parsed => parsed.GetValue(verify) is { } folder
    ? PeerCheck.Run(new ModelStore(), folder) ? 0 : 1
    : MtcnnBenchmark.Run(parsed.GetValue(image), parsed.GetValue(minFace), parsed.GetValue(seconds), parsed.GetValue(mtcnnThreads)!, parsed.GetValue(batch), parsed.GetValue(save)));

var filter = new Option<string?>("--filter") { Description = "Only cases whose name contains this." };
var kernelThreads = new Option<int>("--threads") { Description = "Threads per call.", DefaultValueFactory = _ => 1 };
var kernels = new Command("kernels", "Every case of the test table: time, rates, share of the machine's limit, allocated bytes.") { filter, kernelThreads, save };
kernels.SetAction(parsed => KernelBenchmark.Run(parsed.GetValue(filter), parsed.GetValue(kernelThreads), parsed.GetValue(save)));

var rest = new Argument<string[]>("arguments") { Description = "For BenchmarkDotNet, for example --filter *Replay*.", Arity = ArgumentArity.ZeroOrMore };
var micro = new Command("micro", "BenchmarkDotNet: overhead of calls and replays.") { rest };
micro.TreatUnmatchedTokensAsErrors = false;
micro.SetAction(parsed =>
{
    string[] arguments = [.. parsed.GetValue(rest)!, .. parsed.UnmatchedTokens];
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(arguments.Length == 0 ? ["--filter", "*"] : arguments);
});

return new RootCommand("Benchmarks of Fovea.") { mtcnn, kernels, micro }.Parse(args).Invoke();
