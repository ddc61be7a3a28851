using System.CommandLine;

namespace Fovea.Cli.Commands;

/// <summary>One or more files to read.</summary>
internal static class FilesArgument
{
    internal static Argument<string[]> Create(string name, string description)
    {
        var files = new Argument<string[]>(name) { Description = description, Arity = ArgumentArity.OneOrMore };
        files.Validators.Add(result =>
        {
            foreach (var file in result.Tokens.Select(t => t.Value))
            {
                if (file.Length == 0) result.AddError($"{name}: a file name is empty");
                // The parser takes a misspelt option for one more file.
                else if (file[0] == '-' && !File.Exists(file)) result.AddError($"Unrecognized option '{file}'");
            }
        });
        return files;
    }
}
