// What tests reach in the plug-in by dlsym, beside the ABI.
#include "cuda/runtime.h"

// Forgets queued work and failures, lost devices too, and draws later schedules from `seed`: 0 first runnable thread first,
// 1 last, others random.
extern "C" __attribute__((visibility("default"))) void fovea_emulator_seed(uint32_t seed) {
  fovea::emulator::reset(seed);
  for (int32_t i = 0; i < fovea::cuda::plugin().device_count; ++i) fovea::cuda::device_at(i).lost.store(cudaSuccess);
}

// What the last failure inside a kernel said, "" when there was none.
extern "C" __attribute__((visibility("default"))) const char* fovea_emulator_report() { return fovea::emulator::last_report(); }

// The next call that reaches the device fails with this error, and so do all later ones: a lost device.
extern "C" __attribute__((visibility("default"))) void fovea_emulator_fail_next(int32_t device, int32_t error) {
  fovea::emulator::fail_next(device, static_cast<cudaError_t>(error));
}
