// The thread pool: chunks, worker numbers, limits, callers that meet, and reconfiguration under load. ThreadSanitizer runs
// all of it.
#include <sched.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <numeric>
#include <set>
#include <thread>

#include "core/thread_pool.h"
#include "support.h"

using namespace fovea_test;
using fovea::parallel_for;
using fovea::ThreadLimit;

namespace {

// The pool of a scope.
class Configured {
 public:
  explicit Configured(int32_t count, int32_t spin = -1, int32_t pin = 0) {
    const fovea_thread_options options{count, spin, pin, 0};
    EXPECT_EQ(fovea_threads_configure(&options), FOVEA_OK) << fovea_last_error();
  }
  ~Configured() {
    const fovea_thread_options defaults{0, -1, 0, 0};
    fovea_threads_configure(&defaults);
  }
};

void pause_for(int microseconds) { std::this_thread::sleep_for(std::chrono::microseconds(microseconds)); }

// Checks the cut of [0, count) and that each chunk runs once.
void expect_each_chunk_once(int64_t count, int64_t grain) {
  const int64_t unit = grain < 1 ? 1 : grain, chunks = count <= 0 ? 0 : (count - 1) / unit + 1;
  std::vector<std::atomic<int>> runs(static_cast<size_t>(chunks));
  std::atomic<bool> well_cut{true};
  parallel_for(count, grain, [&](int64_t begin, int64_t end, int32_t) {
    const int64_t expected_end = count - begin > unit ? begin + unit : count;
    if (begin % unit != 0 || end != expected_end || begin < 0 || begin >= count) {
      well_cut = false;
      return;
    }
    runs[static_cast<size_t>(begin / unit)].fetch_add(1, std::memory_order_relaxed);
  });
  EXPECT_TRUE(well_cut) << count << " by " << grain;
  for (size_t i = 0; i < runs.size(); ++i) ASSERT_EQ(runs[i].load(), 1) << "chunk " << i << " of " << count << " by " << grain;
}

class ThreadPool : public ::testing::TestWithParam<int> {};  // number of threads

TEST_P(ThreadPool, EveryChunkRunsExactlyOnce) {
  const Configured pool(GetParam());
  for (const int64_t count : {-5, 0, 1, 2, 3, 7, 64, 1000, 4097})
    for (const int64_t grain : {int64_t{-1}, int64_t{0}, int64_t{1}, int64_t{3}, int64_t{64}, int64_t{5000}, INT64_MAX})
      expect_each_chunk_once(count, grain);
}

TEST_P(ThreadPool, HugeRangesDoNotOverflow) {
  const Configured pool(GetParam());
  expect_each_chunk_once(INT64_MAX, INT64_MAX);
  expect_each_chunk_once(INT64_MAX, INT64_MAX / 3);
}

TEST_P(ThreadPool, WorkerNumbersAreUniqueAndBelowTheLimit) {
  const Configured pool(GetParam());
  for (const int32_t limit : {0, 1, 2, 3}) {
    const ThreadLimit limited(limit);
    const int32_t bound = limit == 0 ? GetParam() : std::min(limit, GetParam());
    std::vector<std::atomic<bool>> taken(static_cast<size_t>(GetParam()));
    std::atomic<bool> unique{true}, bounded{true}, caller_is_zero{true};
    const auto caller = std::this_thread::get_id();
    for (int round = 0; round < 100; ++round)
      parallel_for(16, 1, [&](int64_t, int64_t, int32_t worker) {
        if (worker < 0 || worker >= bound) {
          bounded = false;
          return;
        }
        if ((worker == 0) != (std::this_thread::get_id() == caller)) caller_is_zero = false;
        if (taken[static_cast<size_t>(worker)].exchange(true)) unique = false;
        if (round % 10 == 0) pause_for(20);  // lets the others join
        taken[static_cast<size_t>(worker)].store(false);
      });
    EXPECT_TRUE(unique && bounded && caller_is_zero) << "limit " << limit;
  }
}

TEST_P(ThreadPool, NestedCallsRunInline) {
  const Configured pool(GetParam());
  for (const int64_t outer_count : {1, 8}) {  // with one chunk the caller runs alone, and still nothing nests
    std::atomic<int> inner_chunks{0};
    std::atomic<bool> inline_only{true};
    parallel_for(outer_count, 1, [&](int64_t, int64_t, int32_t) {
      const auto outer_thread = std::this_thread::get_id();
      parallel_for(10, 3, [&](int64_t, int64_t, int32_t worker) {
        inner_chunks.fetch_add(1);
        if (worker != 0 || std::this_thread::get_id() != outer_thread) inline_only = false;
        pause_for(10);
      });
    });
    EXPECT_EQ(inner_chunks, 4 * outer_count);
    EXPECT_TRUE(inline_only);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPool, ::testing::Values(1, 2, 4, 9));

TEST(ThreadPoolSharing, WorkersDoTakePart) {
  for (const int32_t spin : {0, 50}) {
    const Configured pool(4, spin);
    bool shared = false;
    for (int attempt = 0; attempt < 100 && !shared; ++attempt) {
      std::atomic<int> by_others{0};
      pause_for(500);  // longer than the spin: workers sleep and must be woken
      parallel_for(32, 1, [&](int64_t, int64_t, int32_t worker) {
        by_others += worker != 0;
        pause_for(200);
      });
      shared = by_others > 0;
    }
    EXPECT_TRUE(shared) << "spin " << spin;
  }
}

// One such call is not worth waking anybody for; many in a row are.
TEST(ThreadPoolSharing, ShortCallsInARowWakeTheWorkersToo) {
  const Configured pool(4, 0);
  const auto spin = [] {
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(2);
    while (std::chrono::steady_clock::now() < end) {
    }
  };
  std::atomic<int64_t> by_others{0};
  for (int call = 0; call < 20000 && by_others == 0; ++call)
    parallel_for(4, 1, [&](int64_t, int64_t, int32_t worker) {
      by_others += worker != 0;
      spin();
    });
  EXPECT_GT(by_others, 0);
}

TEST(ThreadPoolSharing, ACallerThatFindsThePoolBusyRunsAlone) {
  const Configured pool(3);
  std::atomic<bool> first_is_in{false}, second_is_done{false};
  std::thread first([&] {
    parallel_for(8, 1, [&](int64_t, int64_t, int32_t) {
      first_is_in = true;
      while (!second_is_done) std::this_thread::yield();  // holds the pool
    });
  });
  while (!first_is_in) std::this_thread::yield();
  const auto self = std::this_thread::get_id();
  int chunks = 0;  // not atomic: everything must run on this thread
  bool alone = true;
  parallel_for(100, 7, [&](int64_t, int64_t, int32_t worker) {
    alone = alone && worker == 0 && std::this_thread::get_id() == self;
    ++chunks;
  });
  second_is_done = true;
  first.join();
  EXPECT_TRUE(alone);
  EXPECT_EQ(chunks, 15);
}

TEST(ThreadPoolSharing, ManyCallersNeverExceedTheirThreads) {
  const Configured pool(3);
  std::atomic<int> at_work{0}, most{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 3; ++c)
    callers.emplace_back([&] {
      for (int round = 0; round < 60; ++round)
        parallel_for(12, 1, [&](int64_t, int64_t, int32_t) {
          const int now = ++at_work;
          for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
          }
          pause_for(5);
          --at_work;
        });
    });
  for (std::thread& t : callers) t.join();
  EXPECT_LE(most, 3 - 1 + 3);  // N sessions use at most N - 1 + count threads
}

TEST(ThreadPoolSharing, MoreThreadsThanProcessorsStillFinish) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &before)) {
      CPU_SET(cpu, &one);
      break;
    }
  if (sched_setaffinity(0, sizeof one, &one) != 0) GTEST_SKIP() << "this system does not let a thread choose its processor";
  {
    const Configured pool(4);  // workers inherit the single processor
    for (int round = 0; round < 300; ++round) {
      std::atomic<int64_t> total{0};
      parallel_for(64, 1, [&](int64_t begin, int64_t, int32_t) { total += begin; });
      ASSERT_EQ(total, 63 * 64 / 2);
    }
  }
  sched_setaffinity(0, sizeof before, &before);
}

TEST(ThreadLimits, NestAndTheSmallestHolds) {
  const Configured pool(4);
  const auto most_workers = [] {
    std::atomic<int> most{0};
    for (int round = 0; round < 20; ++round)
      parallel_for(16, 1, [&](int64_t, int64_t, int32_t worker) {
        for (int seen = most; worker > seen && !most.compare_exchange_weak(seen, worker);) {
        }
        pause_for(20);
      });
    return most.load();
  };
  const ThreadLimit two(2);
  EXPECT_LE(most_workers(), 1);
  {
    const ThreadLimit three(3);  // cannot raise it
    EXPECT_LE(most_workers(), 1);
    const ThreadLimit none(0);
    EXPECT_LE(most_workers(), 1);
    const ThreadLimit one(1);
    EXPECT_EQ(most_workers(), 0);
  }
  EXPECT_LE(most_workers(), 1);
}

TEST(ThreadOptions, QueryAnswersWhatWasConfigured) {
  {
    const Configured pool(5, 7, 1);
    fovea_thread_options options{};
    ASSERT_EQ(fovea_threads_query(&options), FOVEA_OK);
    EXPECT_EQ(options.count, 5);
    EXPECT_EQ(options.spin_microseconds, 7);
    EXPECT_EQ(options.pin, 1);
    EXPECT_EQ(fovea::pool_threads(), 5);
  }
  fovea_thread_options defaults{};
  ASSERT_EQ(fovea_threads_query(&defaults), FOVEA_OK);
  EXPECT_GE(defaults.count, 1);
  EXPECT_EQ(defaults.spin_microseconds, 50);
  EXPECT_EQ(fovea::pool_threads(), defaults.count);
}

TEST(ThreadOptions, BadOnesAreRefusedAndChangeNothing) {
  const Configured pool(2, 3);
  for (const fovea_thread_options& bad : {fovea_thread_options{-1, 0, 0, 0}, fovea_thread_options{1025, 0, 0, 0},
                                          fovea_thread_options{2, 1000001, 0, 0}, fovea_thread_options{INT32_MAX, 0, 0, 0}})
    EXPECT_EQ(fovea_threads_configure(&bad), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_threads_configure(nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_threads_query(nullptr), FOVEA_INVALID_ARGUMENT);
  fovea_thread_options options{};
  ASSERT_EQ(fovea_threads_query(&options), FOVEA_OK);
  EXPECT_EQ(options.count, 2);
  EXPECT_EQ(options.spin_microseconds, 3);
}

TEST(ThreadOptions, ConfiguringFromInsideAKernelIsRefused) {
  const Configured pool(2);
  for (const int64_t chunks : {1, 6}) {  // alone and shared
    std::atomic<int> refused{0};
    parallel_for(chunks, 1, [&](int64_t, int64_t, int32_t) {
      const fovea_thread_options options{1, 0, 0, 0};
      refused += fovea_threads_configure(&options) == FOVEA_INVALID_ARGUMENT;
    });
    EXPECT_EQ(refused, chunks);
  }
}

TEST(ThreadOptions, PinnedWorkersStayOnOneProcessor) {
  cpu_set_t allowed;
  ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  if (CPU_COUNT(&allowed) < 2) GTEST_SKIP() << "one processor: there is nothing to choose";
  const Configured pool(2, 0, 1);
  std::atomic<int> wrong{0}, seen{0};
  for (int attempt = 0; attempt < 100 && seen == 0; ++attempt)
    parallel_for(16, 1, [&](int64_t, int64_t, int32_t worker) {
      cpu_set_t own;
      sched_getaffinity(0, sizeof own, &own);
      if (worker == 0) {
        wrong += !CPU_EQUAL(&own, &allowed);  // callers are left alone
        pause_for(100);
        return;
      }
      ++seen;
      wrong += CPU_COUNT(&own) != 1;
    });
  EXPECT_GT(seen, 0);
  EXPECT_EQ(wrong, 0);
}

TEST(ThreadOptions, ReconfiguringWhileCallsRun) {
  std::atomic<bool> stop{false};
  std::atomic<int64_t> wrong{0}, rounds{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 3; ++c)
    callers.emplace_back([&] {
      std::vector<int64_t> values(200);
      while (!stop) {
        parallel_for(200, 3, [&](int64_t begin, int64_t end, int32_t) {
          for (int64_t i = begin; i < end; ++i) values[static_cast<size_t>(i)] += i;
        });
        ++rounds;
        wrong += fovea::pool_threads() < 1;
      }
      const int64_t total = std::accumulate(values.begin(), values.end(), int64_t{0});
      wrong += total % (199 * 200 / 2) != 0;  // each round added 0 + 1 + ... + 199
    });
  for (int i = 0; i < 40; ++i) {
    const fovea_thread_options options{1 + i % 4, i % 3 == 0 ? 0 : 20, i % 2, 0};
    ASSERT_EQ(fovea_threads_configure(&options), FOVEA_OK) << fovea_last_error();
    pause_for(300);
  }
  stop = true;
  for (std::thread& t : callers) t.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(rounds, 0);
  const Configured restore(0);
}

// Sanitizers reserve terabytes of address space, which the limit used here would forbid.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(ThreadOptions, ThreadsThatTheSystemRefusesAreDoneWithout) {
  const Configured pool(1);
  int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit before{}, tight{};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  // Room for a few stacks of 8 MiB (and the arenas that come with threads), not for 500.
  tight = {static_cast<rlim_t>(pages * 4096 + (int64_t{200} << 20)), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &tight), 0);
  const fovea_thread_options many{500, 0, 0, 0};
  const fovea_status status = fovea_threads_configure(&many);
  const std::string message = fovea_last_error();
  setrlimit(RLIMIT_AS, &before);
  EXPECT_EQ(status, FOVEA_OUT_OF_MEMORY);
  EXPECT_NE(message.find("of 500 threads"), std::string::npos) << message;
  fovea_thread_options got{};
  ASSERT_EQ(fovea_threads_query(&got), FOVEA_OK);
  EXPECT_LT(got.count, 500);
  EXPECT_EQ(fovea::pool_threads(), got.count);
  expect_each_chunk_once(1000, 3);
}
#endif

}  // namespace
