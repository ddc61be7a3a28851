// Both 16-bit types live in one header here.
#pragma once
#include "cuda_bf16.h"
