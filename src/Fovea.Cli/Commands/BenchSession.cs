using Fovea.Bench;
using Fovea.Bench.Families;
using Fovea.Bench.Measure;
using Fovea.Bench.Output;
using Fovea.Bench.Peers;
using Fovea.Cli.Output;

namespace Fovea.Cli.Commands;

/// <summary>One run of <c>fovea bench</c>: prints a family when it is measured, writes files at the end.</summary>
internal sealed class BenchSession(CliConsole console)
{
    private readonly List<string> _notes = [];

    internal int Run(BenchOptions options, BenchOutputs outputs)
    {
        if (outputs.Impossible() is { } path)
        {
            console.Fail($"the folder of '{path}' does not exist");
            return ExitCode.BadUsage;
        }

        IReadOnlyList<IPeer> peers = [];
        if (options.Peers)
        {
            try
            {
                peers = PeerLoader.Load(options.Threads, Note);
            }
            catch (PeersNotBuiltException e)
            {
                console.Fail(e.Message);
                return ExitCode.BadUsage;
            }
        }

        var run = new BenchRun(options, peers, Note);
        var report = new BenchReport(run.Limits, [.. peers.Select(p => p.Name)]);
        foreach (string fact in report.Facts) console.Out.WriteLine(fact);
        var writer = new BenchTableWriter(console, peers.Count > 0);
        foreach (var family in FamilyCatalog.Select(options.Families))
        {
            var rows = new List<BenchRow>();
            foreach (var row in run.Rows(family))
            {
                rows.Add(row);
                if (console.ErrorIsTerminal) console.Error.WriteLine($"{row.Family} {row.Workload}");
            }

            var section = new BenchSection(family, rows, [.. _notes]);
            _notes.Clear();
            if (rows.Count == 0) continue;
            report.Add(section);
            writer.Write(section);
        }

        report.End();
        return Save(report, outputs);
    }

    private int Save(BenchReport report, BenchOutputs outputs)
    {
        try
        {
            if (outputs.Json is { } json) File.WriteAllText(json, JsonReport.Write(report.Rows));
            if (outputs.Plot is { } plot) Roofline.Draw(report.Rows, report.Limits, plot);
            if (outputs.Markdown is { } markdown) File.WriteAllText(markdown, report.Markdown());
            if (outputs.Save)
            {
                string saved = Path.Combine(Machine.ResultsFolder(), report.FileName);
                File.WriteAllText(saved, report.Markdown());
                console.Out.WriteLine($"saved {saved}");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            console.Fail(e.Message);
            return ExitCode.BadUsage;
        }

        return ExitCode.Ok;
    }

    private void Note(string note)
    {
        _notes.Add(note);
        console.Error.WriteLine($"fovea: {note}");
    }
}
