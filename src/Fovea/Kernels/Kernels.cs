namespace Fovea;

/// <summary>The kernels, one method per function of the C ABI. Every call is checked, enqueued on the stream, and costs no
/// managed garbage. Unless a method says otherwise: tensors are Float32 on the stream's device, images are [N][H][W][C],
/// outputs belong to the caller and must not overlap inputs (where "in place" is allowed, output and input may be the same
/// tensor), a live row count of the first input limits the leading dimension, a dimension of 0 computes nothing, NaN
/// propagates, and the same inputs give the same bits. A refusal is a <see cref="DeviceException"/> with
/// <see cref="Status.InvalidArgument"/>; a stream in use by another thread is an
/// <see cref="InvalidOperationException"/>.</summary>
public static unsafe partial class Kernels;
