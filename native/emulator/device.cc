// Devices: how many, whose turn it is, what they can do; checks of a launch.
#include "runtime_internal.h"

namespace fovea::emulator {
namespace {

thread_local int current = 0;
std::map<const void*, int> shared_limit;  // what cudaFuncSetAttribute granted

// "4G", "512M", "1000000".
size_t parse_bytes(const char* text, size_t otherwise) {
  if (!text || !*text) return otherwise;
  char* end = nullptr;
  const double n = strtod(text, &end);
  const char unit = char(*end | 32);
  return size_t(n * double(size_t(1) << (unit == 'g' ? 30 : unit == 'm' ? 20 : unit == 'k' ? 10 : 0)));
}

}  // namespace

int device_count() {
  static const int count = [] {
    const char* text = getenv("FOVEA_EMULATOR_DEVICES");
    return text ? std::max(0, std::min(kMaxDevices, atoi(text))) : 1;
  }();
  return count;
}
DeviceState& device_state(int device) {
  static DeviceState* const all = [] {
    auto* states = new DeviceState[kMaxDevices];  // lives as long as the process
    for (int i = 0; i < kMaxDevices; i++) {
      states[i].null_stream.device = i;
      states[i].null_stream.is_null = true;
      streams.insert(&states[i].null_stream);
    }
    return states;
  }();
  return all[device];
}
int current_device() {
  device_state(0);
  return current;
}
size_t memory_budget() { return parse_bytes(getenv("FOVEA_EMULATOR_MEMORY"), size_t(80) << 30); }

cudaError_t func_smem(const void* fn, int bytes) {
  LOCK;
  if (bytes < 0 || size_t(bytes) > SMEM_MAX) return ret(cudaErrorInvalidValue);
  shared_limit[fn] = bytes;
  return cudaSuccess;
}
cudaError_t func_attributes(cudaFuncAttributes* a, const void* fn) {
  LOCK;
  *a = {0, 1024, 128, shared_limit.count(fn) ? shared_limit[fn] : 48 << 10};
  return cudaSuccess;
}
cudaError_t occupancy(int* n, int threads, size_t smem) {
  *n = std::min(2048 / ((threads + 31) / 32 * 32), std::min(32, int((228 << 10) / (smem + 1024))));
  return cudaSuccess;
}

cudaError_t launch(Launch l, cudaStream_t s) {
  LOCK;
  if (!known(s)) return ret(cudaErrorInvalidResourceHandle);
  if (get(s)->device != current_device()) return ret(cudaErrorInvalidResourceHandle);
  const size_t threads = size_t(l.block.x) * l.block.y * l.block.z, blocks = size_t(l.grid.x) * l.grid.y * l.grid.z;
  if (!threads || threads > 1024 || l.block.z > 64) return ret(cudaErrorInvalidConfiguration);
  if (!blocks || l.grid.y > 65535 || l.grid.z > 65535 || l.grid.x > 0x7fffffff) return ret(cudaErrorInvalidConfiguration);
  const dim3 c = l.cluster;
  if (!c.x || !c.y || !c.z || l.grid.x % c.x || l.grid.y % c.y || l.grid.z % c.z || c.x * c.y * c.z > 8)
    return ret(cudaErrorInvalidConfiguration);
  if (l.smem > size_t(shared_limit.count(l.fn) ? shared_limit[l.fn] : 48 << 10)) return ret(cudaErrorInvalidValue);
  if (l.cooperative) {
    int per = 0;
    occupancy(&per, int(threads), l.smem);
    if (blocks > size_t(per) * 132) return ret(cudaErrorCooperativeLaunchTooLarge);
  }
  return enqueue(s, NodeKind::kernel, [l = std::move(l)] { run_launch(l, seed, serial++); });
}

void reset(unsigned s) {
  LOCK;
  for (FoveaEmulatedStream* t : streams) {
    t->q.clear();
    t->capture = nullptr;
  }
  for (FoveaEmulatedEvent* e : events) {
    e->graph = nullptr;
    e->completed = e->recorded;
  }
  for (int d = 0; d < kMaxDevices; d++) device_state(d).sticky = device_state(d).next = cudaSuccess;
  seed = s;
  serial = 0;
  rng.s = 88172645463325252u ^ (uint64_t(s) << 20);
  open_window(kNone);
  stats() = {};
  cudaGetLastError();
  clear_report();
}
void fail_next(int device, cudaError_t error) {
  LOCK;
  device_state(device).next = error;
}

}  // namespace fovea::emulator

using namespace fovea::emulator;

static bool exists(int device) { return device >= 0 && device < device_count(); }

cudaError_t cudaGetDevice(int* d) {
  *d = current_device();
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int d) {
  if (!exists(d)) return ret(cudaErrorInvalidDevice);
  current = d;
  return cudaSuccess;
}
cudaError_t cudaInitDevice(int d, unsigned, unsigned) { return exists(d) ? cudaSuccess : ret(cudaErrorInvalidDevice); }
cudaError_t cudaGetDeviceCount(int* n) {
  *n = device_count();
  return *n ? cudaSuccess : ret(cudaErrorNoDevice);
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) { return cudaDriverGetVersion(version); }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int d) {
  if (!exists(d)) return ret(cudaErrorInvalidDevice);
  *p = {};
  snprintf(p->name, sizeof p->name, "emulated sm_90");
  p->totalGlobalMem = memory_budget();
  p->sharedMemPerBlock = 48 << 10;
  p->sharedMemPerBlockOptin = SMEM_MAX;
  p->sharedMemPerMultiprocessor = 228 << 10;
  p->regsPerBlock = 65536;
  p->warpSize = 32;
  p->maxThreadsPerBlock = 1024;
  p->multiProcessorCount = 132;
  p->major = 9;
  p->maxThreadsPerMultiProcessor = 2048;
  p->l2CacheSize = 50 << 20;
  p->cooperativeLaunch = 1;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* v, cudaDeviceAttr a, int d) {
  if (!exists(d)) return ret(cudaErrorInvalidDevice);
  switch (a) {
    case cudaDevAttrMaxThreadsPerBlock:
      *v = 1024;
      break;
    case cudaDevAttrMultiProcessorCount:
      *v = 132;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *v = 9;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *v = 0;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *v = int(SMEM_MAX);
      break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *v = 228 << 10;
      break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *v = 2048;
      break;
    case cudaDevAttrL2CacheSize:
      *v = 50 << 20;
      break;
    case cudaDevAttrUnifiedAddressing:
    case cudaDevAttrCooperativeLaunch:
    case cudaDevAttrMemoryPoolsSupported:
      *v = 1;
      break;
    default:
      *v = 0;
  }
  return cudaSuccess;
}
cudaError_t cudaDeviceCanAccessPeer(int* can, int device, int peer) {
  if (!exists(device) || !exists(peer)) return ret(cudaErrorInvalidDevice);
  *can = device != peer;
  return cudaSuccess;
}
cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned) {
  LOCK;
  if (!exists(peer) || peer == current_device()) return ret(cudaErrorInvalidDevice);
  unsigned& peers = device_state(current_device()).peers;
  if (peers >> peer & 1) return ret(cudaErrorPeerAccessAlreadyEnabled);
  peers |= 1u << peer;
  return cudaSuccess;
}
// No driver is there to ask: callers must live without the entry point.
cudaError_t cudaGetDriverEntryPoint(const char*, void** function, unsigned long long, cudaDriverEntryPointQueryResult* result) {
  *function = nullptr;
  if (result) *result = cudaDriverEntryPointSymbolNotFound;
  return cudaSuccess;
}
