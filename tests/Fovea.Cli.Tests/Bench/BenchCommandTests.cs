using System.Text.Json;
using Xunit;

namespace Fovea.Cli.Tests.Bench;

public sealed class BenchCommandTests : IDisposable
{
    private static readonly string[] Fields =
    [
        "family", "workload", "backend", "isa", "threads", "microseconds", "spread", "peer", "peer_microseconds", "ratio",
        "gflops", "gbytes", "percent_of_limit", "max_relative_error", "allocated_bytes",
    ];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fovea-bench-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void QuickReplayMeasuresWritesAndAllocatesNothing()
    {
        string json = InFolder("rows.json"), plot = InFolder("roof.png"), markdown = InFolder("bench.md");
        var result = CliResult.Of(["bench", "replay", "--quick", "--json", json, "--plot", plot, "--markdown", markdown]);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("33 nodes", result.Out);
        Assert.Contains("FMA peak of one thread", result.Out);

        using var document = JsonDocument.Parse(File.ReadAllText(json));
        var rows = document.RootElement.EnumerateArray().ToArray();
        Assert.Equal(2, rows.Length);
        foreach (var row in rows)
        {
            Assert.Equal(Fields, row.EnumerateObject().Select(p => p.Name));
            Assert.Equal("replay", row.GetProperty("family").GetString());
            Assert.Equal("cpu", row.GetProperty("backend").GetString());
            Assert.Equal(FoveaRuntime.Active.ToString().ToLowerInvariant(), row.GetProperty("isa").GetString());
            Assert.True(row.GetProperty("microseconds").GetDouble() > 0);
            Assert.Equal(0, row.GetProperty("allocated_bytes").GetInt64());
            Assert.Equal(JsonValueKind.Null, row.GetProperty("peer").ValueKind);
            Assert.True(row.GetProperty("max_relative_error").GetDouble() < 1e-5);
        }

        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(plot)[..4]);
        Assert.Contains("## replay", File.ReadAllText(markdown));
    }

    [Fact]
    public void FilterSelectsRows()
    {
        string json = InFolder("rows.json");
        Assert.Equal(0, CliResult.Of(["bench", "replay", "--quick", "--filter", "33", "--json", json]).ExitCode);
        using var document = JsonDocument.Parse(File.ReadAllText(json));
        Assert.Equal("33 nodes", Assert.Single(document.RootElement.EnumerateArray()).GetProperty("workload").GetString());
    }

    [Fact]
    public void AbsentPeersAreSaidInOneSentence()
    {
        var result = CliResult.Of(["bench", "replay", "--peers"]);
        Assert.Equal(2, result.ExitCode);
        Assert.StartsWith("fovea: the peers are not built: run build/bench.sh", result.Error);
        Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private string InFolder(string name) => Path.Combine(_folder.FullName, name);
}
