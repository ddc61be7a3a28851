namespace Fovea.Data;

/// <summary>What <see cref="TfRecordScanner.Next"/> found.</summary>
internal enum TfRecordStep
{
    Record,
    NeedMore,
    End,
}
