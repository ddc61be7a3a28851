// Emulated CUDA: what a source sees instead of NVIDIA's header when plain g++ compiles it with this folder on the include path.
#pragma once
#include "emulated/atomics.h"
#include "emulated/collectives.h"
#include "emulated/hooks.h"
#include "emulated/language.h"
#include "emulated/math.h"
#include "emulated/runtime.h"
