using System.Runtime.InteropServices;

namespace Fovea.Interop.Cuda;

/// <summary>A library of NVIDIA's that is looked for when it is first needed: the driver or the run-time compiler. Remembers every
/// attempt; after a failure the next use tries again. Thread-safe.</summary>
public sealed class CudaLibrary
{
    private readonly Lock _gate = new();
    private readonly string _missing, _advice;
    private readonly Func<IEnumerable<(string Origin, string Path)>> _candidates;
    private readonly Func<nint, string?> _check;
    private volatile LoadAttempt[] _attempts = [];
    private nint _library;

    /// <summary>A library that nothing was tried for yet.</summary>
    /// <param name="missing">What the user lacks when nothing loads, for example "no NVIDIA driver".</param>
    /// <param name="advice">What to do about it.</param>
    /// <param name="candidates">Where to look, in order.</param>
    /// <param name="check">Why a library that was loaded cannot be used; null when it can.</param>
    public CudaLibrary(string missing, string advice, Func<IEnumerable<(string Origin, string Path)>> candidates, Func<nint, string?> check)
    {
        _missing = missing;
        _advice = advice;
        _candidates = candidates;
        _check = check;
    }

    /// <summary>What the last search tried, in order; empty before the first use.</summary>
    public IReadOnlyList<LoadAttempt> Attempts => _attempts;

    /// <summary>The file in use; null before the first use and after a failure.</summary>
    public string? LoadedPath => _attempts is [.., { Failure: null } last] ? last.Path : null;

    /// <summary>Loads the library unless that was done. <paramref name="failure"/> says in one sentence what is missing, everything
    /// that was tried, and what to do.</summary>
    public bool TryLoad(out string? failure)
    {
        failure = Load() != 0 ? null : $"{_missing}: {string.Join("; ", _attempts.Select(a => a.ToString()))}. {_advice}";
        return failure is null;
    }

    /// <summary>Whether the library, loaded, has a function: older versions lack the newer ones.</summary>
    public bool Exports(string name) => Load() is var library && library != 0 && NativeLibrary.TryGetExport(library, name, out _);

    /// <summary>The library's handle, for the bindings.</summary>
    /// <exception cref="DllNotFoundException">It cannot be used; the message is that of <see cref="TryLoad"/>.</exception>
    internal nint Resolve() => TryLoad(out var failure) ? _library : throw new DllNotFoundException(failure);

    private nint Load()
    {
        lock (_gate)
        {
            if (_library != 0) return _library;
            var tried = new List<LoadAttempt>();
            foreach (var (origin, path) in _candidates())
            {
                var library = NativeLibraryResolver.Open(path, out var failure);
                if (library != 0 && (failure = _check(library)) is not null) NativeLibrary.Free(library);
                tried.Add(new LoadAttempt(origin, path, failure));
                if (failure is not null) continue;
                _library = library;
                break;
            }
            _attempts = [.. tried];
            return _library;
        }
    }
}
