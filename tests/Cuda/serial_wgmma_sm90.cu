// Makes ptxas run wgmma serially (C7515): whether to accumulate is known at run time only, the accumulators start undefined.
#include <cstdint>

__global__ void __launch_bounds__(128) serial_wgmma_kernel(float *out, uint64_t a, uint64_t b, int steps) {
  float d[4];
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
  for (int k = 0; k < steps; ++k)
    asm volatile(
        "{\n.reg .pred p;\nsetp.ne.b32 p, %6, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%0, %1, %2, %3}, %4, %5, p, 1, 1, 0, 0;\n}\n"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "l"(a + k), "l"(b + k), "r"(k));
  asm volatile("wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;" ::: "memory");
  out[threadIdx.x] = d[0] + d[1] + d[2] + d[3];
}
