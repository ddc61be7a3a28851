// Events are time stamps on the CPU: an inline stream has passed them by the time record returns.
#include <atomic>
#include <chrono>

#include "core/plugin_call.h"
#include "core/stream.h"

struct fovea_event {
  const fovea_plugin* plugin;
  const fovea_device* device;
  std::atomic<int64_t> nanoseconds;  // 0: never recorded
};

namespace {

struct RecordJob {
  fovea_event* event;
};

void run_record(const RecordJob& job) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  job.event->nanoseconds.store(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count(), std::memory_order_release);
}

}  // namespace

using namespace fovea;

extern "C" fovea_status fovea_event_create(fovea_device* device, fovea_event** event) {
  FOVEA_CHECK(device != nullptr && event != nullptr, "event_create: device or result pointer is NULL");
  FOVEA_FORWARD(device, fovea_event_create, device, event);
  return guarded([&] {
    *event = new fovea_event{nullptr, device, 0};
    return FOVEA_OK;
  });
}

extern "C" fovea_status fovea_event_destroy(fovea_event* event) {
  if (event == nullptr) return FOVEA_OK;
  FOVEA_FORWARD(event, fovea_event_destroy, event);
  delete event;
  return FOVEA_OK;
}

extern "C" fovea_status fovea_event_record(fovea_event* event, fovea_stream* stream) {
  FOVEA_CHECK(event != nullptr && stream != nullptr, "event_record: event or stream is NULL");
  FOVEA_FORWARD(stream, fovea_event_record, event, stream);
  // Only the plug-in pointer may be read of a foreign handle: what follows is the plug-in's own.
  FOVEA_CHECK(event->plugin == nullptr && event->device == stream->device,
              "event_record: event and stream belong to different devices");
  return enqueue(stream, run_record, RecordJob{event});
}

extern "C" fovea_status fovea_event_synchronize(fovea_event* event) {
  FOVEA_CHECK(event != nullptr, "event_synchronize: event is NULL");
  FOVEA_FORWARD(event, fovea_event_synchronize, event);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_event_elapsed(const fovea_event* start, const fovea_event* end, double* milliseconds) {
  FOVEA_CHECK(start != nullptr && end != nullptr && milliseconds != nullptr, "event_elapsed: an argument is NULL");
  FOVEA_CHECK(start->plugin == end->plugin, "event_elapsed: the events belong to different devices");
  FOVEA_FORWARD(start, fovea_event_elapsed, start, end, milliseconds);
  const int64_t a = start->nanoseconds.load(std::memory_order_acquire), b = end->nanoseconds.load(std::memory_order_acquire);
  if (a == 0 || b == 0) return fail(FOVEA_INVALID_STATE, "event_elapsed: an event was never recorded");
  *milliseconds = static_cast<double>(b - a) * 1e-6;
  return FOVEA_OK;
}

extern "C" fovea_status fovea_stream_wait(fovea_stream* stream, fovea_event* event) {
  FOVEA_CHECK(stream != nullptr && event != nullptr, "stream_wait: stream or event is NULL");
  FOVEA_FORWARD(stream, fovea_stream_wait, stream, event);
  FOVEA_CHECK(event->plugin == nullptr, "stream_wait: stream and event belong to different devices");
  return FOVEA_OK;  // an event recorded on an inline stream has happened
}
