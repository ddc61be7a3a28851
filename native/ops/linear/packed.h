// What other ops that hold linear weights need to know about their packed form.
#pragma once

#include "fovea/nn.h"

namespace fovea {

// Validates params and says how many bytes their packed form takes on the CPU.
fovea_status linear_packed_bytes(const char* op, const fovea_linear_params* params, int64_t* bytes);

}  // namespace fovea
