/* A CUDA driver with one device that runs nothing: it keeps the rules that callers must keep, counts what is alive and
 * remembers the last launch. The .NET tests call it in a process of its own. */
#include <stdint.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

enum { SUCCESS = 0, INVALID_VALUE = 1, INVALID_CONTEXT = 201, INVALID_PTX = 218, NOT_FOUND = 500, OUT_OF_RESOURCES = 701 };

/* What the tests read, through fake_state(). */
typedef struct state {
  int32_t modules, contexts, depth, launches;
  uint32_t grid[3], block[3], cluster[3], shared;
  void* stream;
  uint64_t arguments[4];
} state;

static state now;
static int context_object, module_object, saxpy_object, shared_limit = 48 << 10;
static void* stack[8];

EXPORT const state* fake_state(void) { return &now; }

EXPORT int cuInit(unsigned flags) { return flags == 0 ? SUCCESS : INVALID_VALUE; }
EXPORT int cuDriverGetVersion(int* version) {
  *version = 12080;
  return SUCCESS;
}
EXPORT int cuGetErrorString(int error, const char** text) {
  *text = error == OUT_OF_RESOURCES ? "too many resources requested for launch" : "as the fake says";
  return SUCCESS;
}
EXPORT int cuDeviceGet(int* device, int ordinal) {
  *device = 40 + ordinal;
  return ordinal == 0 ? SUCCESS : 101;
}
EXPORT int cuDevicePrimaryCtxRetain(void** context, int device) {
  *context = &context_object;
  ++now.contexts;
  return device == 40 ? SUCCESS : 101;
}
EXPORT int cuDevicePrimaryCtxRelease_v2(int device) {
  --now.contexts;
  return device == 40 ? SUCCESS : 101;
}
EXPORT int cuCtxGetCurrent(void** context) {
  *context = now.depth == 0 ? NULL : stack[now.depth - 1];
  return SUCCESS;
}
EXPORT int cuCtxPushCurrent_v2(void* context) {
  if (now.depth == 8) return INVALID_VALUE;
  stack[now.depth++] = context;
  return SUCCESS;
}
EXPORT int cuCtxPopCurrent_v2(void** context) {
  if (now.depth == 0) return INVALID_CONTEXT;
  *context = stack[--now.depth];
  return SUCCESS;
}
EXPORT int cuThreadExchangeStreamCaptureMode(int* mode) {
  static int current = 0;
  const int before = current;
  current = *mode;
  *mode = before;
  return SUCCESS;
}

static int is_current(void) { return now.depth > 0 && stack[now.depth - 1] == &context_object; }

/* Options are: 5 the error log, 6 its size. */
EXPORT int cuModuleLoadDataEx(void** module, const char* image, unsigned count, const int* options, void** values) {
  static const char log[] = "ptxas: line 3: Parsing error near 'nonsense'";
  if (!is_current()) return INVALID_CONTEXT;
  if (strstr(image, "nonsense") != NULL) {
    if (count == 2 && options[0] == 5 && options[1] == 6 && (uintptr_t)values[1] > sizeof log)
      memcpy(values[0], log, sizeof log);
    return INVALID_PTX;
  }
  *module = &module_object;
  ++now.modules;
  return SUCCESS;
}
EXPORT int cuModuleUnload(void* module) {
  if (!is_current()) return INVALID_CONTEXT;
  --now.modules;
  return module == &module_object ? SUCCESS : INVALID_VALUE;
}
EXPORT int cuModuleGetFunction(void** function, void* module, const char* name) {
  if (module != &module_object || strcmp(name, "saxpy") != 0) return NOT_FOUND;
  *function = &saxpy_object;
  return SUCCESS;
}
EXPORT int cuFuncGetAttribute(int* value, int attribute, void* function) {
  *value = attribute == 0 ? 512 : 10 + attribute;
  return function == &saxpy_object ? SUCCESS : INVALID_VALUE;
}
EXPORT int cuFuncSetAttribute(void* function, int attribute, int value) {
  if (function != &saxpy_object || attribute != 8 || value > 227 << 10) return INVALID_VALUE;
  shared_limit = value;
  return SUCCESS;
}
/* saxpy(float* y, const float* x, float a, int n) */
static const size_t sizes[] = {8, 8, 4, 4};
EXPORT int cuFuncGetParamInfo(void* function, size_t index, size_t* offset, size_t* size) {
  if (function != &saxpy_object || index >= 4) return INVALID_VALUE;
  *offset = 8 * index;
  *size = sizes[index];
  return SUCCESS;
}

typedef struct launch_attribute {
  int32_t id, pad;
  uint32_t value[16];
} launch_attribute;
typedef struct launch_config {
  uint32_t grid[3], block[3], shared;
  void* stream;
  const launch_attribute* attributes;
  uint32_t count;
} launch_config;

EXPORT int cuLaunchKernelEx(const launch_config* config, void* function, void** arguments, void** extra) {
  if (!is_current()) return INVALID_CONTEXT;
  if (function != &saxpy_object || extra != NULL || config->shared > (uint32_t)shared_limit) return INVALID_VALUE;
  if (config->grid[0] == 7) return OUT_OF_RESOURCES;
  memcpy(now.grid, config->grid, sizeof now.grid);
  memcpy(now.block, config->block, sizeof now.block);
  memset(now.cluster, 0, sizeof now.cluster);
  if (config->count == 1 && config->attributes->id == 4) memcpy(now.cluster, config->attributes->value, sizeof now.cluster);
  now.shared = config->shared;
  now.stream = config->stream;
  memset(now.arguments, 0, sizeof now.arguments);
  for (int i = 0; i < 4; ++i) memcpy(&now.arguments[i], arguments[i], sizes[i]);
  ++now.launches;
  return SUCCESS;
}
EXPORT int cuLaunchKernel(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                          unsigned shared, void* stream, void** arguments, void** extra) {
  const launch_config config = {{gx, gy, gz}, {bx, by, bz}, shared, stream, NULL, 0};
  return cuLaunchKernelEx(&config, function, arguments, extra);
}
