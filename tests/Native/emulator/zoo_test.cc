// Every deliberately broken program is caught, and its sound twin is left alone. A case runs in a child process, because some
// mistakes end it (a host access to device memory, an AddressSanitizer finding): 0 unnoticed, 1 a wrong result, else reported.
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "kernels/broken.h"
#include "support.h"

namespace {
// What a build cannot see: it needs the race detector, or the sanitizer's red zones.
#if defined(FOVEA_TEST_RACE)
const std::set<std::string> kUnseen = {};
#else
const std::set<std::string> kUnseen = {"plain_increment",     "no_proxy_fence",     "no_threadfence",
                                       "store_without_fence", "no_dependency_wait", "relaxed_block_count",
#if !defined(FOVEA_TEST_SANITIZED)
                                       "shared_past_end"
#endif
};
#endif

int run_child(const std::string& name, unsigned seed, bool sound) {
  const pid_t child = fork();
  if (child == 0) {
    setenv("FOVEA_EMULATOR_QUIET", "1", 1);
    if (!sound && freopen("/dev/null", "w", stderr) == nullptr) _exit(9);
    fovea::emulator::reset(seed);
    const auto& order = order_case_names();
    const bool second = std::find(order.begin(), order.end(), name) != order.end();
    _exit(second ? run_order_case(name, sound) : run_case(name, sound));
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

class Zoo : public testing::TestWithParam<std::string> {};
std::vector<std::string> names() {
  std::vector<std::string> v = order_case_names();
  for (const char* const* p = case_names; *p; p++) v.push_back(*p);
  return v;
}
}  // namespace

TEST_P(Zoo, BrokenIsCaught) {
  int caught = 0;
  for (unsigned seed = 0; seed < 6; seed++) caught += run_child(GetParam(), seed, false) != 0;
  if (kUnseen.count(GetParam()))
    EXPECT_EQ(caught, 0) << "this build has learnt to see it: take it off the list";
  else
    EXPECT_GT(caught, 0);
}
TEST_P(Zoo, SoundIsLeftAlone) {
  for (unsigned seed = 0; seed < 6; seed++) EXPECT_EQ(run_child(GetParam(), seed, true), 0) << "seed " << seed;
}
INSTANTIATE_TEST_SUITE_P(Emulator, Zoo, testing::ValuesIn(names()), [](const auto& i) { return i.param; });
