// on_every_isa for bodies that only need a stream and read a kernel's results themselves.
#pragma once

#include "every_isa.h"

namespace fovea_test {

// Calls body(stream, is_reference) for the reference loops and every instruction set, or, with FOVEA_TEST_PLUGIN, in every
// schedule of the backend under test.
template <class Body>
void on_every_backend(const Body& body) {
  on_every_isa([&] {
    int32_t isa = -1;
    ASSERT_EQ(fovea_isa_active(&isa), FOVEA_OK);
    const StreamPtr stream = make_stream();
    body(stream.get(), current_device() == nullptr && isa == FOVEA_ISA_REFERENCE);
  });
}

// What an enqueued call came to, once its results can be read.
inline fovea_status finish(fovea_status enqueued, fovea_stream* stream) {
  return enqueued == FOVEA_OK ? fovea_stream_synchronize(stream) : enqueued;
}

}  // namespace fovea_test
