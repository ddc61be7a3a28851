// The order of a call's stages and matrix products, for both backends: each brings the stages and its own fovea_matmul.
#pragma once

#include "ops/recurrent_backward/recurrent_backward.h"

namespace fovea {

struct RecurrentProduct {
  fovea_matmul_params params;
  fovea_tensor a, b, y;
};

// y = op(a) op(b) of matrices of the job on the device of `like`.
struct RecurrentProducts {
  const RecurrentBackwardJob& j;
  const fovea_tensor& like;

  // `rows` of `columns` floats from column `first` on.
  template <class T>
  fovea_tensor matrix(const RecurrentRows<T>& t, int64_t rows, int64_t columns, int64_t first = 0) const {
    fovea_tensor m{};
    // Only the workspace's size is asked for when there is no data.
    m.data = t.data == nullptr ? nullptr : const_cast<float*>(t.data) + first;
    m.dtype = kF32, m.device_type = like.device_type, m.device_id = like.device_id;
    m.rank = 2, m.shape[0] = rows, m.shape[1] = columns, m.pitch = t.pitch;
    return m;
  }
  int64_t positions() const { return j.batch * j.length; }
  // Gates in the first product with h: all but n of GRU_RESET_BEFORE.
  int64_t first() const { return j.cell == FOVEA_CELL_GRU_RESET_BEFORE ? 2 * j.hidden : j.columns(); }
  template <class T>
  RecurrentRows<T> from(const RecurrentRows<T>& t, int64_t row) const {
    return {t.data == nullptr ? nullptr : t[row], t.pitch};
  }

  RecurrentProduct input_sums() const {
    return {{1, 0, 1, 0},
            matrix(j.inputs, positions(), j.input),
            matrix(j.weights, j.columns(), j.input),
            matrix(j.sums, positions(), j.columns())};
  }
  RecurrentProduct inner_sums() const {
    return {{1, 0, 1, 0},
            matrix(j.before, positions(), j.hidden),
            matrix(j.recurrent, first(), j.hidden),
            matrix(j.inner, positions(), first())};
  }
  RecurrentProduct reset_sums() const {
    return {{1, 0, 1, 0},
            matrix(j.reset, positions(), j.hidden),
            matrix(from(j.recurrent, first()), j.hidden, j.hidden),
            matrix(j.inner, positions(), j.hidden, first())};
  }
  RecurrentProduct weights_gradient() const {
    return {{1, 1, 0, 0},
            matrix(j.sums, positions(), j.columns()),
            matrix(j.inputs, positions(), j.input),
            matrix(j.d_weights, j.columns(), j.input)};
  }
  RecurrentProduct recurrent_gradient() const {
    return {{1, 1, 0, 0},
            matrix(j.inner_gradients(), positions(), first()),
            matrix(j.before, positions(), j.hidden),
            matrix(j.d_recurrent, first(), j.hidden)};
  }
  RecurrentProduct reset_gradient() const {
    return {{1, 1, 0, 0},
            matrix(j.sums, positions(), j.hidden, first()),
            matrix(j.reset, positions(), j.hidden),
            matrix(from(j.d_recurrent, first()), j.hidden, j.hidden)};
  }
  // Into the table of inputs, which d_weights no longer needs.
  RecurrentProduct input_gradient() const {
    return {{1, 0, 0, 0},
            matrix(j.sums, positions(), j.columns()),
            matrix(j.weights, j.columns(), j.input),
            matrix(j.inputs, positions(), j.input)};
  }
};

// What the workspace's size depends on.
static inline RecurrentBackwardJob recurrent_backward_shapes(const fovea_recurrent_params& params, const fovea_tensor& x) {
  RecurrentBackwardJob job{};
  job.batch = x.shape[0], job.length = x.shape[1], job.input = params.input_size, job.hidden = params.hidden_size;
  job.gates = gate_count(params.cell), job.cell = params.cell, job.reverse = params.reverse != 0;
  return job;
}

// The caller's tensors. A backend whose x, y, dy and dx are not float takes their data from the tensors.
static inline void bind_recurrent_backward(RecurrentBackwardJob& j, const fovea_recurrent_inputs& in,
                                           const fovea_recurrent_gradients& g) {
  const auto data = [](const fovea_tensor* t) { return t == nullptr ? nullptr : static_cast<float*>(t->data); };
  const auto rows = [&](const fovea_tensor* t) { return Rows{data(t), t == nullptr ? 0 : t->pitch}; };
  const auto read = [&](const fovea_tensor* t) { return ConstRows{data(t), t == nullptr ? 0 : t->pitch}; };
  j.x = read(in.x), j.weights = read(in.weights), j.recurrent = read(in.recurrent);
  j.initial_h = read(in.initial_h), j.initial_c = read(in.initial_c), j.y = read(in.y), j.dy = read(in.dy);
  j.d_final_h = read(in.d_final_h), j.d_final_c = read(in.d_final_c);
  j.bias = data(in.bias), j.recurrent_bias = data(in.recurrent_bias);
  j.lengths = in.lengths == nullptr ? nullptr : static_cast<const int32_t*>(in.lengths->data);
  j.live = in.x->live;
  j.dx = rows(g.dx), j.d_weights = rows(g.d_weights), j.d_recurrent = rows(g.d_recurrent);
  j.d_initial_h = rows(g.d_initial_h), j.d_initial_c = rows(g.d_initial_c);
  j.d_bias = data(g.d_bias), j.d_recurrent_bias = data(g.d_recurrent_bias);
}

// Floats of the tables, and bytes of the whole workspace: behind the tables lies what the products need.
static inline fovea_status recurrent_backward_bytes(RecurrentBackwardJob& job, const fovea_tensor& like, int64_t* floats,
                                                    int64_t* bytes) {
  *floats = recurrent_backward_tables(job, nullptr);
  const RecurrentProducts p{job, like};
  int64_t most = 0;
  for (const RecurrentProduct& product : {p.input_sums(), p.inner_sums(), p.reset_sums(), p.weights_gradient(),
                                          p.recurrent_gradient(), p.reset_gradient(), p.input_gradient()}) {
    int64_t needed = 0;
    FOVEA_TRY(fovea_matmul_workspace(&product.params, &product.a, &product.b, &needed));
    most = needed > most ? needed : most;
  }
  *bytes = *floats * static_cast<int64_t>(sizeof(float)) + most;
  return FOVEA_OK;
}

// `stage(job)` enqueues one stage. The job's tables are the first `floats` floats of the workspace.
template <class Stage>
fovea_status run_recurrent_stages(RecurrentBackwardJob job, const fovea_tensor& like, const fovea_workspace& workspace,
                                  int64_t floats, fovea_stream* stream, const Stage& stage) {
  const int64_t used = floats * static_cast<int64_t>(sizeof(float));
  const fovea_workspace scratch{static_cast<char*>(workspace.data) + used, workspace.bytes - used};
  const RecurrentProducts p{job, like};
  const auto run = [&](RecurrentStage which) {
    job.stage = which;
    return stage(job);
  };
  const auto multiply = [&](const RecurrentProduct& m) { return fovea_matmul(&m.params, &m.a, &m.b, &m.y, &scratch, stream); };
  const bool resets_before = job.cell == FOVEA_CELL_GRU_RESET_BEFORE;
  FOVEA_TRY(run(RecurrentStage::kGather));
  if (!is_plain_cell(job.cell)) {
    FOVEA_TRY(multiply(p.input_sums()));
    FOVEA_TRY(multiply(p.inner_sums()));
    FOVEA_TRY(run(RecurrentStage::kGates));
    if (resets_before) FOVEA_TRY(multiply(p.reset_sums()));
  }
  FOVEA_TRY(run(RecurrentStage::kWalk));
  if (job.d_weights.data != nullptr) FOVEA_TRY(multiply(p.weights_gradient()));
  if (job.d_recurrent.data != nullptr) {
    FOVEA_TRY(multiply(p.recurrent_gradient()));
    if (resets_before) FOVEA_TRY(multiply(p.reset_gradient()));
  }
  if (job.d_bias != nullptr || job.d_recurrent_bias != nullptr) FOVEA_TRY(run(RecurrentStage::kSums));
  if (job.dx.data == nullptr) return FOVEA_OK;
  FOVEA_TRY(multiply(p.input_gradient()));
  return run(RecurrentStage::kScatter);
}

}  // namespace fovea
