// Which taps meet an output pixel, for kernels: the same arithmetic forward and transposed.
#pragma once

#include "cuda/base.h"
#include "ops/conv2d/conv2d_device.h"

namespace fovea::cuda {

// Transposed layers with a stride are `stride` interleaved grids of outputs along an axis, the phases: the outputs phase,
// phase + stride, .. meet the same taps. Of a phase, with t = 0 .. count - 1 and a = 0 .. taps - 1:
//   output t * out_step + phase, tap first_tap + a * tap_step, input t * in_step + offset + a * offset_step.
struct AxisPhase {
  int32_t count, out_step, phase;
  int32_t taps, first_tap, tap_step;
  int32_t in_step, offset, offset_step;
};

FOVEA_DEVICE AxisPhase axis_phase(const ConvAxis& a, bool transposed, int32_t phase) {
  if (!transposed) return {a.out, 1, 0, a.kernel, 0, 1, a.stride, -a.pad, a.dilation};
  const int32_t count = phase < a.out ? (a.out - phase - 1) / a.stride + 1 : 0;
  const int32_t most = a.period < a.kernel ? a.period : a.kernel;
  int32_t first = 0;
  while (first < most && (phase + a.pad - first * a.dilation) % a.stride != 0) ++first;
  const int32_t taps = first < most ? (a.kernel - 1 - first) / a.period + 1 : 0;
  return {count,
          a.stride,
          phase,
          taps,
          first,
          a.period,
          1,
          (phase + a.pad - first * a.dilation) / a.stride,
          -(a.period * a.dilation / a.stride)};
}

FOVEA_DEVICE int32_t axis_phases(const ConvAxis& a, bool transposed) {
  return !transposed ? 1 : a.stride < a.out ? a.stride : a.out;
}

}  // namespace fovea::cuda
