// Status codes with a thread-local sentence. The success path costs nothing; the failing path formats into a fixed buffer.
#pragma once

#include <exception>
#include <new>

#include "fovea/base.h"

namespace fovea {

// Stores the message for fovea_last_error and returns `status`. printf-style; cut at 511 bytes.
[[gnu::format(printf, 2, 3)]] fovea_status fail(fovea_status status, const char* format, ...) noexcept;

// Runs `body` (returning fovea_status) so that no C++ exception leaves the ABI.
template <class Body>
fovea_status guarded(Body&& body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return fail(FOVEA_OUT_OF_MEMORY, "host memory for bookkeeping is exhausted");
  } catch (const std::exception& error) {
    return fail(FOVEA_INTERNAL, "unexpected exception: %s", error.what());
  } catch (...) {
    return fail(FOVEA_INTERNAL, "unexpected exception of unknown type");
  }
}

}  // namespace fovea

// Returns from the enclosing ABI function when `condition` does not hold. Message style: "op: what is wrong, with numbers".
#define FOVEA_CHECK(condition, ...)                              \
  do {                                                           \
    if (!(condition)) [[unlikely]]                               \
      return ::fovea::fail(FOVEA_INVALID_ARGUMENT, __VA_ARGS__); \
  } while (0)

#define FOVEA_TRY(expression)                                                                          \
  do {                                                                                                 \
    if (const fovea_status fovea_try_status = (expression); fovea_try_status != FOVEA_OK) [[unlikely]] \
      return fovea_try_status;                                                                         \
  } while (0)
