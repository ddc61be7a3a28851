// For tests that read a kernel's results themselves instead of handing them to check_kernel.
#pragma once

#include "support.h"

namespace fovea_test {

// Calls body(stream, is_reference) for the reference loops and every instruction set, or, with FOVEA_TEST_PLUGIN, for every
// schedule of the backend under test. Views, workspaces and streams made inside belong to that device.
template <class Body>
void on_every_backend(const Body& body) {
  if (test_device() != nullptr) {
    const OnDevice scope(test_device());
    for (const uint32_t seed : schedules()) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      set_schedule(seed);
      const StreamPtr stream = make_stream();
      body(stream.get(), false);
      if (::testing::Test::HasFatalFailure()) return;
    }
    return;
  }
  for (int32_t isa = FOVEA_ISA_REFERENCE; isa <= available_isas().back(); ++isa) {
    SCOPED_TRACE(isa_name(isa));
    const ForcedIsa forced(isa);
    const StreamPtr stream = make_stream();
    body(stream.get(), isa == FOVEA_ISA_REFERENCE);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

// What an enqueued call came to, once its results can be read.
inline fovea_status finish(fovea_status enqueued, fovea_stream* stream) {
  return enqueued == FOVEA_OK ? fovea_stream_synchronize(stream) : enqueued;
}

}  // namespace fovea_test
