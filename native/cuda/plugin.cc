// The plug-in's entry point: which devices there are, or why there are none.
#include "fovea/plugin.h"

#include <dlfcn.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "cuda/runtime.h"

#ifndef FOVEA_CUDA_BACKEND
#define FOVEA_CUDA_BACKEND "cuda"
#define FOVEA_CUDA_TYPE FOVEA_CUDA
#endif

namespace fovea {
namespace {

const fovea_host* host = nullptr;

constexpr int kOldestCapability = 80;  // what the kernels are compiled for

// The plug-in exports its entries under the ABI's names; this object's own are meant, whoever else has symbols of that name.
void (*find(const char* name))(void) {
  static void* self = [] {
    Dl_info info{};
    if (dladdr(reinterpret_cast<void*>(&find), &info) == 0) return static_cast<void*>(nullptr);
    return dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_LOCAL);
  }();
  return self == nullptr ? nullptr : reinterpret_cast<void (*)(void)>(dlsym(self, name));
}

// Devices that can run the kernels, from the first on: fovea's index is CUDA's index.
int32_t usable_devices(const char** reason) {
  static char text[256];
  int count = 0, driver = 0;
  if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess) {
    cudaDriverGetVersion(&driver);
    if (error == cudaErrorInsufficientDriver && driver > 0)
      std::snprintf(text, sizeof text, "the NVIDIA driver supports CUDA %d.%d, this plug-in needs %d.%d or newer",
                    driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
    else if (error == cudaErrorInsufficientDriver)
      std::snprintf(text, sizeof text, "no NVIDIA driver is installed");
    else
      std::snprintf(text, sizeof text, "CUDA says: %s", cudaGetErrorString(error));
    *reason = text;
    return 0;
  }
  for (int i = 0; i < count; ++i) {
    int major = 0, minor = 0;
    cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, i);
    cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, i);
    if (10 * major + minor >= kOldestCapability) continue;
    std::snprintf(text, sizeof text, "device %d has compute capability %d.%d, the kernels need 8.0", i, major, minor);
    *reason = text;
    return i;
  }
  if (count == 0) *reason = "the driver says there is no GPU";
  return count;
}

}  // namespace

fovea_status fail(fovea_status status, const char* format, ...) noexcept {
  char text[512];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return host->fail(status, text);
}

namespace cuda {

const fovea_plugin& plugin() {
  static const fovea_plugin table = [] {
    fovea_plugin p{FOVEA_ABI_VERSION, FOVEA_CUDA_TYPE, FOVEA_CUDA_BACKEND, 0, 0, nullptr, find};
    p.device_count = usable_devices(&p.reason);
    return p;
  }();
  return table;
}

}  // namespace cuda
}  // namespace fovea

extern "C" FOVEA_API fovea_status fovea_plugin_main(const fovea_host* host, const fovea_plugin** result) {
  // A library of another version says nothing of what follows its first field, and it will refuse this one by the table's.
  fovea::host = host;
  *result = &fovea::cuda::plugin();
  return FOVEA_OK;
}
