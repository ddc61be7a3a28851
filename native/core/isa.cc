#include "core/isa.h"

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "core/status.h"

namespace fovea {
namespace {

constexpr const char* kNames[] = {"reference", "scalar", "avx2", "avx512"};

fovea_isa detect() noexcept {
  __builtin_cpu_init();
  // libgcc checks the operating system's XSAVE state too.
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("f16c"))
    return FOVEA_ISA_AVX512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) return FOVEA_ISA_AVX2;
  return FOVEA_ISA_SCALAR;
}

fovea_isa detected() noexcept {
  static const fovea_isa isa = detect();
  return isa;
}

// An unknown or unavailable FOVEA_ISA falls back to the detected set: an environment variable must not break a service.
fovea_isa initial() noexcept {
  if (const char* wanted = std::getenv("FOVEA_ISA"))
    for (int i = 0; i <= detected(); ++i)
      if (std::strcmp(wanted, kNames[i]) == 0) return static_cast<fovea_isa>(i);
  return detected();
}

std::atomic<int>& active() noexcept {
  static std::atomic<int> isa{initial()};
  return isa;
}

}  // namespace

fovea_isa active_isa() noexcept { return static_cast<fovea_isa>(active().load(std::memory_order_relaxed)); }

bool cpu_has_avx512_bf16() noexcept {
  static const bool has = detected() == FOVEA_ISA_AVX512 && __builtin_cpu_supports("avx512bf16");
  return has;
}

bool cpu_has_avx512_vnni() noexcept {
  static const bool has = detected() == FOVEA_ISA_AVX512 && __builtin_cpu_supports("avx512vnni");
  return has;
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_isa_detected(int32_t* isa) {
  FOVEA_CHECK(isa != nullptr, "isa_detected: result pointer is NULL");
  *isa = detected();
  return FOVEA_OK;
}

extern "C" fovea_status fovea_isa_active(int32_t* isa) {
  FOVEA_CHECK(isa != nullptr, "isa_active: result pointer is NULL");
  *isa = active_isa();
  return FOVEA_OK;
}

extern "C" fovea_status fovea_isa_force(int32_t isa) {
  FOVEA_CHECK(isa >= -1 && isa <= FOVEA_ISA_AVX512, "isa_force: %d is not an instruction set", isa);
  if (isa > detected())
    return fail(FOVEA_UNSUPPORTED, "isa_force: this processor has %s, not %s", kNames[detected()], kNames[isa]);
  active().store(isa < 0 ? detected() : isa, std::memory_order_relaxed);
  return FOVEA_OK;
}
