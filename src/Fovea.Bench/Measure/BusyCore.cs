namespace Fovea.Bench.Measure;

/// <summary>A thread that computes without pause until disposed: the other process on a core that a service shares.</summary>
public sealed class BusyCore : IDisposable
{
    private readonly Thread _thread;
    private volatile bool _stop;

    public BusyCore()
    {
        _thread = new Thread(() =>
        {
            while (!_stop) FmaBurst.Measure();
        })
        { IsBackground = true };
        _thread.Start();
    }

    public void Dispose()
    {
        _stop = true;
        _thread.Join();
    }
}
