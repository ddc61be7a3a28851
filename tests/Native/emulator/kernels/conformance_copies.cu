// Conformance: cp.async of every size, bulk and tensor copies of every rank, stores, clusters, order between blocks.
#include "conformance.h"

using namespace fovea::cuda;
namespace {
__global__ void cp_async_case(const uint32_t* in, uint32_t* out) {
  uint32_t* s = dynamic_shared<uint32_t>();
  const int t = int(threadIdx.x);
  if (t % 3 == 0) {
    for (int i = 0; i < 4; i++) cp_async<4>(s + t * 4 + i, in + t * 4 + i, (t + i) & 3);
  } else if (t % 3 == 1) {
    for (int i = 0; i < 2; i++) cp_async<8>(s + t * 4 + i * 2, in + t * 4 + i * 2, (t + i) & 7);
  } else {
    cp_async<16>(s + t * 4, in + t * 4, t & 15);
  }
  cp_async_commit();
  cp_async_wait<0>();
  __syncthreads();
  for (int i = 0; i < 4; i++) out[t * 4 + i] = s[(127 - t) * 4 + i];
}

struct alignas(1024) Tile {
  uint32_t words[2048];
  uint64_t bar;
};
// The box as TMA leaves it in shared memory; then stored or added elsewhere in `out` when `store` asks.
__global__ void tensor_case(const __grid_constant__ CUtensorMap map, const __grid_constant__ CUtensorMap target, uint32_t* out,
                            int rank, int bytes, int c0, int c1, int c2, int c3, int c4, int store) {
#if FOVEA_CUDA_SM90
  Tile& s = *dynamic_shared<Tile>();
  if (threadIdx.x == 0) {
    mbarrier_init(&s.bar, 1);
    fence_mbarrier_init();
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    mbarrier_arrive_expect(&s.bar, bytes);
    if (rank == 1) tma_load(s.words, map, &s.bar, c0);
    if (rank == 2) tma_load(s.words, map, &s.bar, c0, c1);
    if (rank == 3) tma_load(s.words, map, &s.bar, c0, c1, c2);
    if (rank == 5) tma_load(s.words, map, &s.bar, c0, c1, c2, c3, c4);
  }
  mbarrier_wait(&s.bar, 0);
  if (store) {
    fence_proxy_async();
    __syncthreads();
    if (threadIdx.x == 0) {
      if (store == 1)
        tma_store(target, s.words, -8, 1);
      else
        tma_reduce_add(target, s.words, 4, 3);
      bulk_commit();
      bulk_wait<0>();
    }
  } else {
    for (int i = int(threadIdx.x); i < bytes / 4; i += int(blockDim.x)) out[i] = s.words[i];
  }
#endif
}
__global__ void bulk_case(const uint32_t* in, uint32_t* out) {
#if FOVEA_CUDA_SM90
  Tile& s = *dynamic_shared<Tile>();
  if (threadIdx.x == 0) {
    mbarrier_init(&s.bar, 2);
    fence_mbarrier_init();
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    mbarrier_expect(&s.bar, 4096);
    bulk_load(s.words, in + 100, 1024, &s.bar);
    bulk_load(s.words + 256, in + 2000, 3072, &s.bar);
    mbarrier_arrive(&s.bar);
  }
  if (threadIdx.x == 1) mbarrier_arrive(&s.bar);
  mbarrier_wait(&s.bar, 0);
  if (threadIdx.x == 0) {
    bulk_store(out, s.words, 2048);
    bulk_store(out + 1024, s.words + 512, 2048);
    bulk_commit();
    bulk_wait_read<0>();
  }
#endif
}
// Block 0 of each pair multicasts to both; each then tells the other that it has read.
__global__ void cluster_case(const __grid_constant__ CUtensorMap map, uint32_t* out) {
#if FOVEA_CUDA_SM90
  Tile& s = *dynamic_shared<Tile>();
  uint64_t* done = &s.bar + 1;
  const unsigned rank = cluster_rank();
  if (threadIdx.x == 0) {
    mbarrier_init(&s.bar, 1);
    mbarrier_init(done, 1);
    fence_mbarrier_init();
  }
  cluster_sync();
  if (threadIdx.x == 0) {
    mbarrier_arrive_expect(&s.bar, 1024);
    if (rank == 0) tma_load_multicast(s.words, map, &s.bar, 3, int(blockIdx.x) * 4, 2);
  }
  mbarrier_wait(&s.bar, 0);
  for (int i = int(threadIdx.x); i < 256; i += int(blockDim.x)) out[blockIdx.x * 256 + unsigned(i)] = s.words[i] + rank;
  __syncthreads();
  if (threadIdx.x == 0) mbarrier_arrive_remote(done, rank ^ 1);
  mbarrier_wait(done, 0);
  if (threadIdx.x == 0) out[2048 + blockIdx.x] = cluster_blocks() * 100 + rank;
  cluster_sync();
#endif
}
// The last block to count itself in sees what all others published.
__global__ void order_case(uint32_t* out) {
  if (threadIdx.x == 0) {
    out[64 + blockIdx.x] = mix(blockIdx.x);
    if (add_acquire_release(out, 1u) == gridDim.x - 1) {
      uint32_t sum = 0;
      for (unsigned b = 0; b < gridDim.x; b++) sum += out[64 + b];
      out[1] = sum;
      store_release(out + 2, 7u);
      out[3] = load_acquire(out + 2);
    }
  }
}
}  // namespace

void conformance_copies(const Conformance& c) {
  c.record("cp.async of 4, 8 and 16 bytes", [&] { launch(cp_async_case, 1, 128, 2048, nullptr, c.in, c.out); });
  auto tensor = [&](const std::string& name, TensorType type, int rank, Swizzle swizzle, unsigned inner, std::vector<int> at,
                    int store) {
    const uint64_t dims[] = {60, 5, 3, 3, 2}, strides[] = {256, 256 * 5, 256 * 15, 256 * 45};
    const unsigned box[] = {inner, rank > 1 ? 8u : 1u, 3, 2, 2};
    const uint64_t target_dims[] = {40, 6}, target_strides[] = {256};
    int bytes = type == TensorType::f32 || type == TensorType::u32 ? 4 : 2;
    for (int d = 0; d < rank; d++) bytes *= int(box[d]);
    at.resize(5);
    CUtensorMap map, target;
    make_tensor_map(&map, type, c.in, unsigned(rank), dims, strides, box, swizzle);
    make_tensor_map(&target, type, c.out, 2, target_dims, target_strides, box, swizzle);
    c.record(name, [&] {
      launch(tensor_case, 1, 64, sizeof(Tile), nullptr, map, target, c.out, rank, bytes, at[0], at[1], at[2], at[3], at[4],
             store);
    });
  };
  tensor("TMA 1d", TensorType::u32, 1, Swizzle::none, 64, {-3}, 0);
  tensor("TMA 3d swizzle32", TensorType::u32, 3, Swizzle::bytes32, 8, {54, -2, 1}, 0);
  tensor("TMA 3d swizzle64", TensorType::f16, 3, Swizzle::bytes64, 32, {40, 3, -1}, 0);
  tensor("TMA 5d swizzle64", TensorType::u32, 5, Swizzle::bytes64, 16, {4, 2, 1, 2, 1}, 0);
  tensor("TMA store", TensorType::u32, 2, Swizzle::none, 32, {2, 1}, 1);
  tensor("TMA store swizzle128", TensorType::u32, 2, Swizzle::bytes128, 32, {2, 1}, 1);
  tensor("TMA reduce add", TensorType::u32, 2, Swizzle::bytes32, 8, {2, 1}, 2);
  c.record("bulk copies", [&] { launch(bulk_case, 1, 32, sizeof(Tile), nullptr, c.in, c.out); });
  CUtensorMap map;
  const uint64_t dims[] = {64, 64}, strides[] = {256};
  const unsigned box[] = {32, 8};
  make_tensor_map(&map, TensorType::u32, c.in, 2, dims, strides, box, Swizzle::bytes128);
  c.record("cluster: multicast, remote arrival",
           [&] { launch_with({.cluster = 2}, cluster_case, 6, 64, sizeof(Tile) + 1024, nullptr, map, c.out); });
  c.record("acquire and release", [&] { launch(order_case, 9, 32, 0, nullptr, c.out); });
}
