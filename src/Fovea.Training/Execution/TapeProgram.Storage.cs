namespace Fovea.Training;

public sealed partial class TapeProgram
{
    private void Move(TapeStepKind kind, int root)
    {
        _storage ??= new OtherStorage(Stream, _tensors.Length);
        switch (kind)
        {
            case TapeStepKind.Offload:
                Await(root);
                _storage.Offload(root, Tensor(root));
                break;
            case TapeStepKind.Release:
                _storage.Release(root, Tensor(root));
                break;
            case TapeStepKind.Prefetch:
                Replace(root, Allocate(root));
                _storage.Prefetch(root, Tensor(root));
                break;
            case TapeStepKind.Narrow:
                Await(root);
                _storage.Narrow(root, Tensor(root));
                break;
            case TapeStepKind.Widen:
                Replace(root, Allocate(root));
                _storage.Widen(root, Tensor(root));
                break;
        }
    }

    // The stream waits for a copy that brings the slot back.
    private void Await(int slot) => _storage?.Await(Tape.Slots[slot].Root);
}
