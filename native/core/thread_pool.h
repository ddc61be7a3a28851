// One pool of workers for the whole process. Work is cut into chunks whose boundaries depend only on the work, never on the
// number of threads, and threads claim chunks dynamically: a worker that the system has descheduled delays nobody, because the
// caller finishes what the worker has not begun. A caller that finds the pool busy runs alone.
#pragma once

#include <cstdint>
#include <type_traits>

namespace fovea {

// Most threads the current thread's parallel_for may use, the caller included; 0 = no further limit. Limits nest: the
// smallest holds.
class ThreadLimit {
 public:
  explicit ThreadLimit(int32_t limit) noexcept;
  ~ThreadLimit();
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

 private:
  int32_t previous_;
};

// The pool's size, callers included. For per-thread scratch: size the workspace with it, keep it in the job, and run under
// ThreadLimit(job.threads), so that a pool reconfigured after capture cannot bring more workers than there is scratch.
int32_t pool_threads() noexcept;

namespace detail {
using ChunkBody = void (*)(const void* context, int64_t begin, int64_t end, int32_t worker);
void parallel_chunks(int64_t count, int64_t grain, ChunkBody body, const void* context) noexcept;
}  // namespace detail

// body(begin, end, worker) over [0, count) in chunks of `grain` (the last may be shorter). Each chunk runs exactly once;
// `worker` is 0 for the caller and unique among the threads working at the same time. No allocation. Nested calls run
// inline on the thread that makes them, as worker 0 of their own.
template <class Body>
void parallel_for(int64_t count, int64_t grain, const Body& body) noexcept {
  if (count <= 0) return;
  detail::parallel_chunks(
      count, grain < 1 ? 1 : grain,
      [](const void* context, int64_t begin, int64_t end, int32_t worker) {
        (*static_cast<const Body*>(context))(begin, end, worker);
      },
      &body);
}

}  // namespace fovea
