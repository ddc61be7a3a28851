#include "core/status.h"

#include <cstdarg>
#include <cstdio>

namespace fovea {
namespace {
thread_local char message[512] = "no error";
}

fovea_status fail(fovea_status status, const char* format, ...) noexcept {
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  return status;
}

}  // namespace fovea

extern "C" const char* fovea_last_error(void) { return fovea::message; }
extern "C" int32_t fovea_abi_version(void) { return FOVEA_ABI_VERSION; }
extern "C" const char* fovea_build_info(void) {
  return "fovea " FOVEA_VERSION ", abi 1, compiler " __VERSION__ ", cpu kernels: reference scalar avx2 avx512";
}
