using System.CommandLine;
using Fovea.Data;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea records</c>: its commands and their arguments.</summary>
internal static class RecordsCommand
{
    internal static Command Create(CliConsole console)
    {
        var json = new Option<bool>("--json") { Description = "One JSON object per line, in protobuf's JSON form, instead of text." };
        var count = NumberOption.Create<int>("--count", "How many records [default: 5].", n => n >= 0, "must not be negative");
        var compression = new Option<string>("--compression") { Description = "Of what is written.", DefaultValueFactory = _ => "none" };
        compression.AcceptOnlyFromAmong("none", "gzip", "zlib");
        var shards = NumberOption.Create<int>(
            "--shards", "Deal the records out to so many files, OUT-00000-of-0000N and so on [default: 1].",
            n => n is >= 1 and <= 99999, "must lie between 1 and 99999");
        var skip = new Option<bool>("--skip-damaged") { Description = "Go on with the next sound record after damage." };

        var info = Files("info", "Counts records and says what features their Examples have.", out var infoFiles);
        info.SetAction(parsed => new RecordsInfo(console).Run(parsed.GetValue(infoFiles)!));

        var head = Files("head", "Prints the first records as Examples.", out var headFiles);
        head.Options.Add(count);
        head.Options.Add(json);
        head.SetAction(parsed => new RecordsHead(console, parsed.GetValue(count) ?? 5, parsed.GetValue(json)).Run(parsed.GetValue(headFiles)!));

        var verify = Files("verify", "Checks every checksum and reports all damage.", out var verifyFiles);
        verify.SetAction(parsed => new RecordsVerify(console).Run(parsed.GetValue(verifyFiles)!));

        var index = Files(
            "index", "Writes FILE.idx with the offset and the length of every record, as DALI's tfrecord2idx does.", out var indexFiles);
        index.SetAction(parsed => RecordsIndex.Run(console, parsed.GetValue(indexFiles)!));

        var convert = Files(
            "convert",
            "Copies the records of all files but the last into the last one: joins, compresses and shards. " +
            "To .jsonl it writes Examples as JSON lines.",
            out var convertFiles);
        convertFiles.Arity = new ArgumentArity(2, 100_000);
        convert.Options.Add(compression);
        convert.Options.Add(shards);
        convert.Options.Add(skip);
        convert.SetAction(parsed => new RecordsConvert(console)
        {
            Compression = Enum.Parse<TfRecordCompression>(parsed.GetValue(compression)!, ignoreCase: true),
            Shards = parsed.GetValue(shards) ?? 1,
            SkipDamaged = parsed.GetValue(skip),
        }.Run(parsed.GetValue(convertFiles)!));

        return new Command("records", "Looks into TFRecord files, compressed or not, and rewrites them.\n\n" + ExitCode.Help)
        {
            info, head, verify, index, convert,
        };
    }

    private static Command Files(string name, string description, out Argument<string[]> files)
    {
        files = new Argument<string[]>("FILE")
        {
            Description = "TFRecord files; GZIP and ZLIB are recognised.",
            Arity = ArgumentArity.OneOrMore,
        };
        return new Command(name, description + "\n\n" + ExitCode.Help) { files };
    }
}
