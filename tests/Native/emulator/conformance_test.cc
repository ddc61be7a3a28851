// What every wrapper leaves in registers and shared memory, compared with the committed lines. The same program built by nvcc
// must print the same lines on a GPU.
#include "kernels/conformance.h"

#include <fstream>

#include "support.h"

TEST(Emulator, Conformance) {
  std::vector<std::string> expected;
  std::ifstream file(FOVEA_TEST_CONFORMANCE);
  for (std::string line; std::getline(file, line);) expected.push_back(line);
  for (unsigned seed = 0; seed < 4; seed++) {
    fovea::emulator::reset(seed);
    const auto cases = conformance();
    if (const char* path = getenv("FOVEA_TEST_WRITE_CONFORMANCE")) {  // after a deliberate change
      std::ofstream out(path);
      for (const auto& c : cases) out << conformance_line(c.first, c.second) << "\n";
      return;
    }
    EXPECT_EQ(cases.size(), expected.size());
    for (size_t i = 0; i < cases.size(); i++) {
      const std::string line = conformance_line(cases[i].first, cases[i].second);
      EXPECT_EQ(line, i < expected.size() ? expected[i] : "") << "seed " << seed << " " << fovea::emulator::last_report();
    }
  }
}
