// A few neighbouring elements that move with one load or store of up to 16 bytes.
#pragma once

#include "cuda/elements.h"

namespace fovea::cuda {

template <class T, int count>
struct alignas(sizeof(T) * count) Pack {
  T v[count];
};

// Elements of 16 bytes.
template <class T>
inline constexpr int kPack = 16 / int{sizeof(T)};

template <int count, class T>
FOVEA_DEVICE Pack<T, count> load_pack(const T* p) {
  return *reinterpret_cast<const Pack<T, count>*>(p);
}
template <int count, class T>
FOVEA_DEVICE void store_pack(T* p, const Pack<T, count>& values) {
  *reinterpret_cast<Pack<T, count>*>(p) = values;
}

// Whether every row of `t` may be read or written in packs of 16 bytes, up to `channels`, which must be whole packs.
inline bool packs(const fovea_tensor& t, int64_t channels) {
  const int64_t count = 16 / (t.dtype.bits / 8);
  return reinterpret_cast<uintptr_t>(t.data) % 16 == 0 && t.pitch % count == 0 && channels % count == 0;
}

}  // namespace fovea::cuda
