using Fovea.Cli;

return CommandLineApp.Run(args, CliConsole.OfProcess());
