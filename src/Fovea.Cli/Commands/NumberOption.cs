using System.CommandLine;
using System.Globalization;

namespace Fovea.Cli.Commands;

/// <summary>Options that take a number within bounds.</summary>
internal static class NumberOption
{
    // Its own parser: the built-in message for "abc" names a .NET type, and validators run even on values that did not parse.
    internal static Option<T?> Create<T>(string name, string description, Func<T, bool> isValid, string rule)
        where T : struct, ISpanParsable<T> => new(name)
        {
            Description = description,
            HelpName = "N",
            CustomParser = result =>
            {
                var text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
                if (T.TryParse(text, CultureInfo.InvariantCulture, out var value) && isValid(value)) return value;
                result.AddError($"{name}: '{text}' {rule}");
                return null;
            },
        };

    /// <summary>A whole number from 1.</summary>
    internal static Option<T?> AtLeast1<T>(string name, string description) where T : struct, System.Numerics.IBinaryInteger<T> =>
        Create<T>(name, description, n => n >= T.One, "must be at least 1");

    /// <summary><c>--threads</c>.</summary>
    internal static Option<int?> Threads(string description) => Create<int>("--threads", description, n => n is >= 1 and <= 256, "must lie between 1 and 256");
}
