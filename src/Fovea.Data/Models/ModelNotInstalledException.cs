namespace Fovea.Data;

/// <summary>A model's file is not in the cache; the message names the file and the command that brings it.</summary>
public sealed class ModelNotInstalledException : FileNotFoundException
{
    /// <summary>Creates the exception for a file of a model.</summary>
    public ModelNotInstalledException(string model, string path)
        : base($"files of '{model}' are not installed: {path} does not exist; run {ModelCatalog.Get(model).InstallCommand}", path) => Model = model;

    /// <summary>Name of the model.</summary>
    public string Model { get; }
}
