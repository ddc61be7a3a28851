// Devices: opening, description, and the errors that end one.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "cuda/runtime.h"
#include "fovea/device.h"

namespace fovea::cuda {
namespace {

// What a context does not survive: every later call on it fails with the same error.
bool is_sticky(cudaError_t error) {
  switch (error) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorDevicesUnavailable:
      return true;
    default:
      return false;
  }
}

fovea_status status_of(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation:
      return FOVEA_OUT_OF_MEMORY;
    case cudaErrorInvalidValue:
      return FOVEA_INVALID_ARGUMENT;
    case cudaErrorStreamCaptureUnsupported:
    case cudaErrorStreamCaptureInvalidated:
    case cudaErrorStreamCaptureUnjoined:
    case cudaErrorStreamCaptureWrongThread:
      return FOVEA_INVALID_STATE;
    default:
      return FOVEA_INTERNAL;
  }
}

std::vector<std::unique_ptr<Device>>& devices() {
  static auto* all = [] {
    auto* list = new std::vector<std::unique_ptr<Device>>;
    for (int32_t i = 0; i < plugin().device_count; ++i) {
      list->push_back(std::make_unique<Device>());
      static_cast<fovea_device&>(*list->back()) = {&plugin(), plugin().device_type, i};
    }
    return list;
  }();
  return *all;
}

}  // namespace

Device& device_at(int32_t id) { return *devices()[static_cast<size_t>(id)]; }

fovea_status check_not_lost(const Device& device, const char* op) {
  const auto lost = static_cast<cudaError_t>(device.lost.load(std::memory_order_relaxed));
  if (lost == cudaSuccess) [[likely]]
    return FOVEA_OK;
  return fail(FOVEA_DEVICE_LOST, "%s: %s:%d is lost since an earlier call failed: %s", op, plugin().name, device.id,
              cudaGetErrorString(lost));
}

fovea_status check(Device& device, cudaError_t error, const char* op) {
  if (error == cudaSuccess) [[likely]]
    return FOVEA_OK;
  cudaGetLastError();  // an error that is not sticky must not surface in the next call
  if (is_sticky(error)) {
    int32_t none = cudaSuccess;
    device.lost.compare_exchange_strong(none, error);
    return fail(FOVEA_DEVICE_LOST, "%s: %s:%d is lost: %s", op, plugin().name, device.id, cudaGetErrorString(error));
  }
  return fail(status_of(error), "%s: %s (%s:%d)", op, cudaGetErrorString(error), plugin().name, device.id);
}

}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" FOVEA_API fovea_status fovea_device_open(const char* name, fovea_device** result) {
  const char* colon = std::strchr(name, ':');
  char* end = nullptr;
  const long index = colon == nullptr ? 0 : std::strtol(colon + 1, &end, 10);
  if (colon != nullptr && (end == colon + 1 || *end != '\0'))
    return fail(FOVEA_NOT_FOUND, "device_open: '%s' does not end in a device number", name);
  return guarded([&] {
    if (index < 0 || index >= static_cast<long>(devices().size()))
      return fail(FOVEA_NOT_FOUND, "device_open: there is no '%s', %s has %zu device(s)", name, plugin().name,
                  devices().size());
    *result = devices()[static_cast<size_t>(index)].get();
    return FOVEA_OK;
  });
}

extern "C" FOVEA_API fovea_status fovea_device_describe(const fovea_device* device, fovea_device_info* info) {
  cudaDeviceProp properties{};
  if (const cudaError_t error = cudaGetDeviceProperties(&properties, device->id); error != cudaSuccess)
    return fail(FOVEA_INTERNAL, "device_describe: %s", cudaGetErrorString(error));
  int driver = 0;
  cudaDriverGetVersion(&driver);
  *info = {};
  info->type = device->type;
  info->id = device->id;
  std::snprintf(info->name, sizeof info->name, "%.*s", int{sizeof info->name - 1}, properties.name);
  std::snprintf(info->detail, sizeof info->detail, "compute capability %d.%d, driver for CUDA %d.%d", properties.major,
                properties.minor, driver / 1000, driver % 1000 / 10);
  info->memory_bytes = static_cast<int64_t>(properties.totalGlobalMem);
  info->compute_units = properties.multiProcessorCount;
  return FOVEA_OK;
}

extern "C" FOVEA_API fovea_status fovea_device_check(fovea_device* handle) {
  auto& device = static_cast<Device&>(*handle);
  FOVEA_TRY(check_not_lost(device, "device_check"));
  const CurrentDevice current(device.id);
  return check(device, cudaPeekAtLastError(), "device_check");
}
