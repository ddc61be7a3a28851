// What every wrapper leaves in registers and shared memory, compared with the committed lines. The same program built by nvcc
// must print the same lines on a GPU.
#include "kernels/conformance.h"

#include <fstream>

#include "support.h"

TEST(Emulator, Conformance) {
  std::vector<std::string> expected;
  std::ifstream file(FOVEA_TEST_CONFORMANCE);
  for (std::string line; std::getline(file, line);) expected.push_back(line);
  for (unsigned seed = 0; seed < 3; seed++) {
    fovea::emulator::reset(seed);
    std::vector<std::string> got;
    for (const auto& [name, words] : conformance()) got.push_back(conformance_line(name, words));
    EXPECT_EQ(got, expected) << "seed " << seed;
  }
}
