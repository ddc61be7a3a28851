#include "core/status.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace fovea {
namespace {
thread_local char message[512] = "no error";
}

fovea_status fail(fovea_status status, const char* format, ...) noexcept {
  char fresh[sizeof message];  // an argument may be the old message: "session: %s" with fovea_last_error()
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(fresh, sizeof fresh, format, arguments);
  va_end(arguments);
  std::memcpy(message, fresh, std::strlen(fresh) + 1);
  return status;
}

}  // namespace fovea

#define FOVEA_QUOTE(text) #text
#define FOVEA_TEXT(macro) FOVEA_QUOTE(macro)

extern "C" const char* fovea_last_error(void) { return fovea::message; }
extern "C" int32_t fovea_abi_version(void) { return FOVEA_ABI_VERSION; }
extern "C" const char* fovea_build_info(void) {
  return "fovea " FOVEA_VERSION ", abi " FOVEA_TEXT(FOVEA_ABI_VERSION) ", compiler " __VERSION__
                                                                       ", cpu kernels: reference scalar avx2 avx512";
}
