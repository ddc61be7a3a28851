// For tests of exact results: a body that runs on every instruction set of the CPU, the reference loops included, or on the
// backend under test in every schedule.
#pragma once

#include "support.h"

namespace fovea_test {

// `body` makes its views, workspace and stream itself, since they belong to the current device, and waits for the stream.
template <class Body>
void on_every_isa(const Body& body) {
  if (test_device() != nullptr) {
    const OnDevice scope(test_device());
    for (const uint32_t seed : schedules()) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      set_schedule(seed);
      body();
    }
    return;
  }
  for (int32_t isa = FOVEA_ISA_REFERENCE; isa <= available_isas().back(); ++isa) {
    SCOPED_TRACE(isa_name(isa));
    const ForcedIsa forced(isa);
    body();
  }
}

// A call that has come to its end.
inline fovea_status finish(const StreamPtr& stream, fovea_status status) {
  return status == FOVEA_OK ? fovea_stream_synchronize(stream.get()) : status;
}

// A number of live rows where every device can read it.
class Live {
 public:
  explicit Live(int32_t n) : value_({1}) { value_[0] = n; }
  const int32_t* get() const { return value_.data(); }

 private:
  Array<int32_t> value_;
};

}  // namespace fovea_test
