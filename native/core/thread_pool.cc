#include "core/thread_pool.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "core/status.h"
#include "fovea/device.h"

namespace fovea {
namespace {

constexpr int32_t kDefaultSpin = 50;   // microseconds: longer than the gap between two kernels of a graph
constexpr int32_t kPatientSpin = 200;  // instead, while calls follow each other closely
constexpr int32_t kMaxThreads = 1024;
constexpr int32_t kMostShares = 8;

using Clock = std::chrono::steady_clock;
constexpr std::chrono::nanoseconds kWakeUp =
    std::chrono::microseconds(50);  // from the wake-up of a sleeping thread to its first chunk

thread_local int32_t thread_limit = 0;
thread_local bool inside_pool = false;  // on workers, and on a caller during its own parallel_for

inline void relax() { __builtin_ia32_pause(); }

// grain may be as large as INT64_MAX, so begin + grain is never formed beyond count.
inline int64_t chunk_end(int64_t begin, int64_t grain, int64_t count) { return count - begin > grain ? begin + grain : count; }

// The work all threads share. A worker joins by raising `active_` while `epoch_` is odd (open); the caller closes the
// epoch and waits for `active_` to fall before it returns, so `body` and `context` never outlive the call.
struct Work {
  detail::ChunkBody body;
  const void* context;
  int64_t count, grain, chunks;
  int32_t workers;  // beyond the caller
};

// A part of the chunks that some threads begin with; then they help with the others. Repeated calls over the same memory find
// it in the caches of the processor that had it before, and a thread that comes late has only left its share to the others.
struct alignas(64) Share {
  std::atomic<int64_t> next{0};
  int64_t end = 0;
};

// Whether a call is worth the wake-up of sleeping threads. That costs the caller several microseconds at once, and a thread
// comes only after kWakeUp: a shorter call does not gain, unless others have preceded it closely. What calls take is
// remembered by what they run. Of the pool's owner.
class WakeUps {
 public:
  bool worthwhile(const Work& work, Clock::time_point now) {
    if (now - last_ > kWakeUp) alone_ = {};
    known_ = &table_[slot(work)];
    const bool known = known_->body == work.body && known_->count == work.count && known_->grain == work.grain;
    const std::chrono::nanoseconds took = known ? known_->took : kWakeUp;
    *known_ = {work.body, work.count, work.grain, took};
    alone_ += took;
    if (alone_ < kWakeUp) return false;
    alone_ = {};
    return true;
  }

  // After the call. `own` chunks took the caller from `begin` to `now`.
  void learn(const Work& work, int64_t own, Clock::time_point begin, Clock::time_point now) {
    last_ = now;
    if (own > 0)
      known_->took = std::min<std::chrono::nanoseconds>((now - begin) / own, kWakeUp) * std::min<int64_t>(work.chunks, 1 << 20);
  }

 private:
  struct Known {
    detail::ChunkBody body;
    int64_t count, grain;
    std::chrono::nanoseconds took;  // on one thread
  };
  static size_t slot(const Work& work) {
    const auto key =
        reinterpret_cast<uintptr_t>(work.body) + static_cast<uint64_t>(work.count) * 31 + static_cast<uint64_t>(work.grain);
    return static_cast<size_t>(key * 0x9E3779B97F4A7C15u >> 58);
  }

  Known table_[64]{};
  Known* known_ = table_;
  std::chrono::nanoseconds alone_{};  // what the latest calls took for which nobody was woken
  Clock::time_point last_{};
};

class Pool {
 public:
  // Works with fewer workers than asked for when the system refuses threads (a container's process limit, no memory for a
  // stack): options().count tells how many it got.
  Pool(fovea_thread_options options, int32_t patient_spin) noexcept : options_(options), patient_spin_(patient_spin) {
    int32_t started = 1;
    try {
      threads_.reserve(static_cast<size_t>(options_.count - 1));
      for (; started < options_.count; ++started) threads_.emplace_back([this, i = started] { worker(i); });
    } catch (const std::exception&) {
    }
    options_.count = started;
  }

  ~Pool() {
    {
      const std::lock_guard lock(mutex_);
      stop_.store(true, std::memory_order_relaxed);
    }
    wake_.notify_all();
    for (std::thread& t : threads_) t.join();
  }

  const fovea_thread_options& options() const { return options_; }

  // False when another caller has the pool.
  bool try_run(const Work& work) {
    if (owner_.exchange(true, std::memory_order_acquire)) return false;
    work_ = work;
    joined_.store(0, std::memory_order_relaxed);
    const int32_t shares = share_count(work);
    const int64_t least = work.chunks / shares, longer = work.chunks % shares;
    for (int64_t i = 0, begin = 0; i < shares; ++i) {
      shares_[i].next.store(begin, std::memory_order_relaxed);
      shares_[i].end = begin += least + (i < longer ? 1 : 0);
    }
    epoch_.fetch_add(1, std::memory_order_seq_cst);  // opens: even -> odd
    if (const int32_t sleepers = sleepers_.load(std::memory_order_seq_cst); sleepers > 0)
      claim_and_wake(work, sleepers);
    else
      claim(work, 0);
    epoch_.fetch_add(1, std::memory_order_seq_cst);  // closes: no worker may join from here on
    // Pairs with worker(): raise active_, then read epoch_. A worker inside its last chunk may have lost its processor to
    // this very thread, so spinning soon gives way.
    for (int spins = 0; active_.load(std::memory_order_seq_cst) != 0; ++spins) {
      if (spins < 1000)
        relax();
      else
        std::this_thread::yield();
    }
    owner_.store(false, std::memory_order_release);
    return true;
  }

 private:
  static int32_t share_count(const Work& work) { return work.workers < kMostShares ? work.workers + 1 : kMostShares; }

  // Returns how many chunks this thread ran.
  int64_t claim(const Work& work, int32_t worker) {
    const int32_t shares = share_count(work);
    int64_t own = 0;
    for (int32_t i = 0; i < shares; ++i) {
      Share& share = shares_[(worker + i) % shares];
      for (int64_t chunk; (chunk = share.next.fetch_add(1, std::memory_order_relaxed)) < share.end; ++own) {
        const int64_t begin = chunk * work.grain;
        work.body(work.context, begin, chunk_end(begin, work.grain, work.count), worker);
      }
    }
    return own;
  }

  void claim_and_wake(const Work& work, int32_t sleepers) {
    const Clock::time_point now = Clock::now();
    if (wake_ups_.worthwhile(work, now)) wake(work.workers, sleepers);
    const Clock::time_point begin = Clock::now();
    const int64_t own = claim(work, 0);
    wake_ups_.learn(work, own, begin, Clock::now());
  }

  // No more than the work can use: the others would only fight for the mutex.
  void wake(int32_t wanted, int32_t sleepers) {
    { const std::lock_guard lock(mutex_); }  // a sleeper is now either before its look at epoch_ or inside wait()
    if (wanted >= sleepers) return wake_.notify_all();
    for (int32_t i = 0; i < wanted; ++i) wake_.notify_one();
  }

  void worker(int32_t index) {
    inside_pool = true;
    if (options_.pin != 0) pin(index);
    uint64_t seen = 0;
    int32_t spin = options_.spin_microseconds;
    while (true) {
      const uint64_t epoch = wait_for_work(seen, &spin);
      if (stop_.load(std::memory_order_relaxed)) return;
      active_.fetch_add(1, std::memory_order_seq_cst);
      // Joined only if the ticket is still open; otherwise `work_` may be changing.
      if (epoch_.load(std::memory_order_seq_cst) == epoch) {
        // The same number, and so the same share, in every call that all take part in.
        const bool all = work_.workers == options_.count - 1;
        const int32_t place = all ? index : joined_.fetch_add(1, std::memory_order_relaxed) + 1;
        if (place <= work_.workers) claim(work_, place);
      }
      active_.fetch_sub(1, std::memory_order_release);
      seen = epoch;
    }
  }

  // Spins for a while, then sleeps; returns an open (odd) epoch other than `seen`. Whoever was woken soon would better have
  // spun a little longer, and does so next time.
  uint64_t wait_for_work(uint64_t seen, int32_t* spin) {
    const auto is_new = [&](uint64_t e) { return (e & 1) != 0 && e != seen; };
    const Clock::time_point begin = Clock::now(), deadline = begin + std::chrono::microseconds(*spin);
    do {
      for (int i = 0; i < 64; ++i) {
        const uint64_t e = epoch_.load(std::memory_order_seq_cst);
        if (is_new(e)) return e;
        relax();
      }
      if (stop_.load(std::memory_order_relaxed)) return 0;
    } while (Clock::now() < deadline);
    std::unique_lock lock(mutex_);
    sleepers_.fetch_add(1, std::memory_order_seq_cst);
    uint64_t e = 0;
    // Not std::condition_variable::wait: libstdc++ 12 gave it a symbol (GLIBCXX_3.4.30) that RHEL 9 lacks.
    while (e = epoch_.load(std::memory_order_seq_cst), !is_new(e) && !stop_.load(std::memory_order_relaxed))
      pthread_cond_wait(wake_.native_handle(), mutex_.native_handle());
    sleepers_.fetch_sub(1, std::memory_order_seq_cst);
    const bool soon = Clock::now() - begin < std::chrono::microseconds(patient_spin_);
    *spin = soon ? patient_spin_ : options_.spin_microseconds;
    return e;
  }

  // Best effort: a container may forbid it, and then the worker just stays unpinned.
  static void pin(int32_t index) {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    int32_t seen = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &allowed) || seen++ != index) continue;
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      pthread_setaffinity_np(pthread_self(), sizeof one, &one);
      return;
    }
  }

  fovea_thread_options options_;
  int32_t patient_spin_;  // microseconds; the same as in options_ where the caller of threads_configure chose
  std::vector<std::thread> threads_;
  WakeUps wake_ups_;
  Work work_{};
  Share shares_[kMostShares];
  alignas(64) std::atomic<uint64_t> epoch_{0};  // odd while work may be joined
  alignas(64) std::atomic<int32_t> active_{0};
  std::atomic<int32_t> joined_{0};
  std::atomic<int32_t> sleepers_{0};
  std::atomic<bool> owner_{false};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
};

fovea_thread_options resolve(fovea_thread_options o) {
  if (o.count == 0) {
    cpu_set_t allowed;
    const int n = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
    o.count = n < 1 ? 1 : n;
  }
  if (o.spin_microseconds < 0) o.spin_microseconds = kDefaultSpin;
  return o;
}

struct Shared {
  std::mutex configure;
  std::atomic<Pool*> pool;        // NULL while being replaced, and when not even a pool without workers fits in memory
  std::atomic<int32_t> count{1};  // what pool_threads reports, stable while the pool is being replaced
  std::atomic<int32_t> users{0};  // calls between reading `pool` and finishing with it
  Shared() noexcept : pool(nullptr) { start({0, -1, 0, 0}); }

  // Returns how many threads it got.
  int32_t start(const fovea_thread_options& options) noexcept {
    const fovea_thread_options resolved = resolve(options);
    const int32_t patient_spin = options.spin_microseconds < 0 ? kPatientSpin : resolved.spin_microseconds;
    Pool* fresh = new (std::nothrow) Pool(resolved, patient_spin);
    count.store(fresh == nullptr ? 1 : fresh->options().count, std::memory_order_relaxed);
    pool.store(fresh, std::memory_order_seq_cst);
    return count.load(std::memory_order_relaxed);
  }
};

// Never destroyed: worker threads must not be joined while the process is being torn down.
Shared& shared() noexcept {
  alignas(Shared) static unsigned char storage[sizeof(Shared)];
  static Shared* instance = new (storage) Shared;
  return *instance;
}

// On workers always, on a caller for the time of its own parallel_for: nested calls see it and run inline.
class InsidePool {
 public:
  InsidePool() noexcept : previous_(inside_pool) { inside_pool = true; }
  ~InsidePool() { inside_pool = previous_; }
  InsidePool(const InsidePool&) = delete;
  InsidePool& operator=(const InsidePool&) = delete;

 private:
  bool previous_;
};

}  // namespace

ThreadLimit::ThreadLimit(int32_t limit) noexcept : previous_(thread_limit) {
  if (limit > 0 && (previous_ == 0 || limit < previous_)) thread_limit = limit;
}
ThreadLimit::~ThreadLimit() { thread_limit = previous_; }

int32_t pool_threads() noexcept { return shared().count.load(std::memory_order_relaxed); }

namespace detail {

void parallel_chunks(int64_t count, int64_t grain, ChunkBody body, const void* context) noexcept {
  const int64_t chunks = (count - 1) / grain + 1;
  const bool nested = inside_pool;
  const InsidePool inside;
  if (chunks > 1 && !nested && thread_limit != 1) {
    Shared& s = shared();
    s.users.fetch_add(1, std::memory_order_seq_cst);
    Pool* pool = s.pool.load(std::memory_order_seq_cst);
    bool done = false;
    if (pool != nullptr && pool->options().count > 1) {
      int64_t workers = pool->options().count - 1;
      if (thread_limit > 0 && thread_limit - 1 < workers) workers = thread_limit - 1;
      if (chunks - 1 < workers) workers = chunks - 1;
      done = pool->try_run(Work{body, context, count, grain, chunks, static_cast<int32_t>(workers)});
    }
    s.users.fetch_sub(1, std::memory_order_release);
    if (done) return;
  }
  // Chunk by chunk even alone, so that results never depend on who ran.
  for (int64_t begin = 0, end; begin < count; begin = end) {
    end = chunk_end(begin, grain, count);
    body(context, begin, end, 0);
  }
}

}  // namespace detail
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_threads_configure(const fovea_thread_options* options) {
  FOVEA_CHECK(options != nullptr, "threads_configure: options is NULL");
  FOVEA_CHECK(options->count >= 0 && options->count <= kMaxThreads, "threads_configure: count is %d, allowed are 0 to %d",
              options->count, kMaxThreads);
  FOVEA_CHECK(options->spin_microseconds <= 1000000, "threads_configure: spinning for %d us is more than a second",
              options->spin_microseconds);
  FOVEA_CHECK(!inside_pool, "threads_configure: called from inside a kernel");
  return guarded([&] {
    Shared& s = shared();
    const std::lock_guard lock(s.configure);
    Pool* old = s.pool.exchange(nullptr, std::memory_order_seq_cst);  // new calls run alone for a moment
    while (s.users.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
    const fovea_thread_options resolved = resolve(*options);
    delete old;
    const int32_t got = s.start(*options);
    if (got == resolved.count) return FOVEA_OK;
    return fail(FOVEA_OUT_OF_MEMORY, "threads_configure: the system started %d of %d threads; those are in use", got,
                resolved.count);
  });
}

extern "C" fovea_status fovea_threads_query(fovea_thread_options* options) {
  FOVEA_CHECK(options != nullptr, "threads_query: options is NULL");
  return guarded([&] {
    Shared& s = shared();
    const std::lock_guard lock(s.configure);
    const Pool* pool = s.pool.load(std::memory_order_seq_cst);
    *options = pool == nullptr ? fovea_thread_options{1, kDefaultSpin, 0, 0} : pool->options();
    return FOVEA_OK;
  });
}
