#pragma once

#include "ops/recurrent/recurrent.h"

namespace fovea {

void recurrent_reference(const RecurrentJob& job);

}  // namespace fovea
