// The job of fovea_attention_backward. One pass over blocks of keys computes all three gradients with five products per block
// of rows: a task owns the keys of its range and a partial dq of its own, so nothing is added by two threads, and a last pass
// sums the partial dq in order. Memory beyond the tensors: (2 + splits) times q.
//
// Values that a mask hides meet exact zeros: they must be finite. Keys behind key_lengths are not read.
#pragma once

#include "ops/attention/attention.h"

namespace fovea {

// (query, head) rows and keys per block: all operands of the five products stay in the second-level cache.
inline constexpr int64_t kBackwardRows = 128, kBackwardKeys = 128;
// Floats between rows of a block of probabilities: an odd number of cache lines, because they are read by columns too.
inline constexpr int64_t kBackwardPitch = kBackwardKeys + 16;
inline constexpr int64_t kBackwardTasks = 8;  // that cutting the keys of a group aims at

struct AttentionBackwardPlan {
  int64_t columns;           // D in whole vectors of 16
  int64_t splits;            // ranges of keys, each with its own partial dq
  int64_t blocks_per_split;  // of kBackwardKeys
  int64_t packed_floats;     // of q, of dO and of one partial dq: [B][G][rows][columns]
  int64_t row_floats;        // of delta and of the log sums: [B][G][rows]
  int64_t scratch_floats;    // of one thread
};

struct AttentionBackwardJob {
  AttentionJob forward;  // q, k, v, o, lse and the masks
  const float* d_o;
  float *dq, *dk, *dv;
  int64_t d_o_pitch, dq_pitch, dk_pitch, dv_pitch;
  float *q, *d_o_packed, *delta, *log_sums, *partial_dq, *scratch;  // in the workspace
  AttentionBackwardPlan plan;
};

}  // namespace fovea
