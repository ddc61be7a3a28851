#pragma once
#include <string>
#include <utility>
#include <vector>
#include "cuda/kernel.h"
// What each wrapper really leaves in registers or shared memory; the same program run on a GPU must print the same lines.
std::vector<std::pair<std::string, std::vector<uint32_t>>> conformance();
// One line of the expected file: name, hash of all words, the first six.
std::string conformance_line(const std::string& name, const std::vector<uint32_t>& words);
