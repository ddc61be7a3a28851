using System.CommandLine;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea features</c>: its commands and their arguments.</summary>
internal static class FeaturesCommand
{
    internal static Command Create(CliConsole console)
    {
        var columns = new Argument<string>("COLUMNS") { Description = "JSON file of feature columns." };
        var values = new Option<string[]>("--value")
        {
            HelpName = "KEY=VALUE",
            Description = "A value of a raw feature; again for more values. What is not given is missing.",
        };
        values.Validators.Add(result =>
        {
            foreach (var token in result.Tokens)
                if (token.Value.IndexOf('=') < 1) result.AddError($"--value: '{token.Value}' is not KEY=VALUE");
        });
        var record = new Option<string?>("--record") { HelpName = "FILE", Description = "A TFRecord file whose record to explain." };
        var index = NumberOption.Create<int>("--index", "Which record, from 0 [default: 0].", n => n >= 0, "must not be negative");
        var sequences = new Option<bool>("--sequence-example")
        {
            Description = "The record is a SequenceExample: sequence columns read its feature lists.",
        };
        var explain = new Command("explain", "Prints what each column makes of a record or of values.\n\n" + ExitCode.Help)
        {
            columns, values, record, index, sequences,
        };
        explain.Validators.Add(result =>
        {
            if (result.GetResult(values) is null == result.GetResult(record) is null) result.AddError("Give either --value or --record");
        });
        explain.SetAction(parsed => new FeaturesExplain(console, parsed.GetValue(columns)!)
        {
            Values = parsed.GetValue(values) ?? [],
            Record = parsed.GetValue(record),
            Index = parsed.GetValue(index) ?? 0,
            IsSequenceExample = parsed.GetValue(sequences),
        }.Run());
        return new Command("features", "Looks into feature columns.\n\n" + ExitCode.Help) { explain };
    }
}
