// Prints what the device language layer does on this machine's GPU; compared with tests/Native/emulator/conformance.expected.
#include <cstdio>

#include "kernels/conformance.h"

int main() {
  for (const auto& [name, words] : conformance()) std::puts(conformance_line(name, words).c_str());
  return cudaDeviceSynchronize() == cudaSuccess ? 0 : 1;
}
