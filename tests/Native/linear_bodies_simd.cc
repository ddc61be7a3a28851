// linear's bodies without the extensions of particular processors, for linear_internal_test.
#include "ops/linear/linear_simd.cc"
