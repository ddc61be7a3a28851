using System.CommandLine;
using Fovea.Bench;
using Fovea.Bench.Families;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea bench</c>: how fast kernels are here, against the machine's limits and other runtimes.</summary>
internal static class BenchCommand
{
    internal static Command Create(CliConsole console)
    {
        var families = new Argument<string[]>("family")
        {
            Description = "Which rows: " + string.Join("; ", FamilyCatalog.All.Select(f => $"{f.Name}: {f.Description}")) + ". All when none is named.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        families.Validators.Add(result =>
        {
            try
            {
                FamilyCatalog.Select([.. result.Tokens.Select(token => token.Value)]);
            }
            catch (ArgumentException e)
            {
                result.AddError(e.Message.Split(" (Parameter")[0]);
            }
        });
        var filter = new Option<string?>("--filter") { Description = "Only rows whose name contains this." };
        var peers = new Option<bool>("--peers") { Description = "Let other runtimes do the same work in turn; build/bench.sh brings them." };
        var threads = NumberOption.Threads("Threads per call, 1 to 256 [default: 1].");
        var quick = new Option<bool>("--quick") { Description = "Fewer samples: a minute instead of many, and less to rely on." };
        var json = new Option<string?>("--json") { Description = "Write the rows to this file as a JSON array." };
        var plot = new Option<string?>("--plot") { Description = "Draw the rows under the machine's roofline into this PNG file." };
        var markdown = new Option<string?>("--markdown") { Description = "Write the report to this file as Markdown." };
        var save = new Option<bool>("--save") { Description = "Write the report to benchmarks/results/<machine>/ of the checkout." };
        var command = new Command("bench", "Measures kernels against the limits of this machine and, with --peers, other runtimes.\n\n" + ExitCode.Help)
        {
            families, filter, peers, threads, quick, json, plot, markdown, save,
        };
        command.SetAction(parsed => new BenchSession(console).Run(
            new BenchOptions
            {
                Families = parsed.GetValue(families) ?? [],
                Filter = parsed.GetValue(filter),
                Peers = parsed.GetValue(peers),
                Threads = parsed.GetValue(threads) ?? 1,
                Quick = parsed.GetValue(quick),
            },
            new BenchOutputs(parsed.GetValue(json), parsed.GetValue(plot), parsed.GetValue(markdown), parsed.GetValue(save))));
        return command;
    }
}
