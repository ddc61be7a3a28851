#pragma once
#include <string>
#include <vector>
#include "cuda/kernel.h"
using bf16 = __nv_bfloat16;
// Runs one deliberately broken program ("" for its bug: the sound version). 0: nothing noticed, 1: wrong result, 2: reported.
int run_case(const std::string& name, bool sound);
extern const char* const case_names[];
// The second part: order between blocks, kernels and the async proxy.
int run_order_case(const std::string& name, bool sound);
const std::vector<std::string>& order_case_names();
