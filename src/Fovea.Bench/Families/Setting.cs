namespace Fovea.Bench.Families;

/// <summary>What else runs while a row is measured.</summary>
public enum Setting
{
    /// <summary>Nothing; disturbed samples do not count.</summary>
    Quiet,

    /// <summary>A thread that keeps one core busy all the time; every sample counts.</summary>
    BusyCore,
}
