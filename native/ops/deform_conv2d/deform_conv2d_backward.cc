// ABI entries of deform_conv2d_backward, their validation, and the reference: every gradient by itself, in double precision.
#include <algorithm>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/deform_conv2d/deform_conv2d.h"

namespace fovea {

FOVEA_DECLARE_BODIES(deform_conv2d_backward, const DeformBackwardJob&)

namespace {

DeformSample sample_of(const DeformLayer& l, int64_t position, int64_t tap, int64_t at) {
  const float* offset = l.offsets + position * l.offsets_pitch + 2 * at;
  return deform_sample(l, deform_position(l, position), tap, offset[0], offset[1]);
}
double mask_of(const DeformLayer& l, int64_t position, int64_t at) {
  return l.mask == nullptr ? 1.0 : static_cast<double>(l.mask[position * l.mask_pitch + at]);
}
double x_at(const DeformBackwardJob& j, int64_t position, int64_t cell, int64_t channel) {
  const DeformLayer& l = j.layer;
  return static_cast<double>(j.x[(deform_position(l, position).image * l.in_h * l.in_w + cell) * l.x_pitch + channel]);
}

// The gradient of a column: sum over the outputs of its group of dy * w.
double column_gradient(const DeformBackwardJob& j, int64_t position, int64_t tap, int64_t channel) {
  const fovea_conv2d_params& p = j.layer.params;
  const int64_t group = channel / group_in(p);
  double sum = 0;
  for (int64_t o = group * group_out(p); o < (group + 1) * group_out(p); ++o)
    sum += static_cast<double>(j.dy[position * j.dy_pitch + o]) *
           static_cast<double>(j.weights[(o * taps(p) + tap) * group_in(p) + channel % group_in(p)]);
  return sum;
}

// d_offsets and d_mask of one tap of an offset group.
void geometry_gradients(const DeformBackwardJob& j, int64_t position, int64_t tap, int64_t offset_group) {
  const DeformLayer& l = j.layer;
  const int64_t at = offset_group * taps(l.params) + tap, width = l.params.in_channels / l.offset_groups;
  const DeformSample s = sample_of(l, position, tap, at);
  double by_mask = 0, by_y = 0, by_x = 0;
  for (int corner = 0; corner < 4 && s.inside; ++corner) {
    const DeformCorner c = deform_corner(l, s, corner);
    for (int64_t channel = offset_group * width; channel < (offset_group + 1) * width && c.cell >= 0; ++channel) {
      const double product = column_gradient(j, position, tap, channel) * x_at(j, position, c.cell, channel);
      by_mask += static_cast<double>(c.weight) * product;
      by_y += static_cast<double>(c.by_y) * product;
      by_x += static_cast<double>(c.by_x) * product;
    }
  }
  if (j.d_mask != nullptr) j.d_mask[position * j.d_mask_pitch + at] = static_cast<float>(by_mask);
  if (j.d_offsets == nullptr) return;
  j.d_offsets[position * j.d_offsets_pitch + 2 * at] = static_cast<float>(by_y * mask_of(l, position, at));
  j.d_offsets[position * j.d_offsets_pitch + 2 * at + 1] = static_cast<float>(by_x * mask_of(l, position, at));
}

// All that a cell gets, for up to 16 channels of one offset group.
constexpr int64_t kSums = 16;
void gather(const DeformBackwardJob& j, int64_t image, int64_t cell, int64_t channel, int64_t lanes, double (&sums)[kSums]) {
  const DeformLayer& l = j.layer;
  const int64_t offset_group = channel / (l.params.in_channels / l.offset_groups), pixels = l.out_h * l.out_w;
  for (int64_t q = image * pixels; q < (image + 1) * pixels; ++q)
    for (int64_t tap = 0; tap < taps(l.params); ++tap) {
      const int64_t at = offset_group * taps(l.params) + tap;
      const DeformSample s = sample_of(l, q, tap, at);
      for (int corner = 0; corner < 4 && s.inside; ++corner) {
        const DeformCorner c = deform_corner(l, s, corner);
        if (c.cell != cell) continue;
        for (int64_t i = 0; i < lanes; ++i)
          sums[i] += static_cast<double>(c.weight) * mask_of(l, q, at) * column_gradient(j, q, tap, channel + i);
      }
    }
}

void weight_gradient(const DeformBackwardJob& j, int64_t positions, int64_t o, int64_t tap, int64_t i) {
  const DeformLayer& l = j.layer;
  const int64_t channel = o / group_out(l.params) * group_in(l.params) + i;
  const int64_t at = channel / (l.params.in_channels / l.offset_groups) * taps(l.params) + tap;
  double sum = 0;
  for (int64_t q = 0; q < positions; ++q) {
    const DeformSample s = sample_of(l, q, tap, at);
    double value = 0;
    for (int corner = 0; corner < 4 && s.inside; ++corner) {
      const DeformCorner c = deform_corner(l, s, corner);
      if (c.cell >= 0) value += static_cast<double>(c.weight) * x_at(j, q, c.cell, channel);
    }
    sum += value * mask_of(l, q, at) * static_cast<double>(j.dy[q * j.dy_pitch + o]);
  }
  j.dw[(o * taps(l.params) + tap) * group_in(l.params) + i] = static_cast<float>(sum);
}

void deform_conv2d_backward_reference(const DeformBackwardJob& j) {
  const DeformLayer& l = j.layer;
  const fovea_conv2d_params& p = l.params;
  const int64_t images = live_rows(l.live, l.batch), positions = deform_positions(l, images);
  const int64_t width = p.in_channels / l.offset_groups;
  if (j.d_offsets != nullptr || j.d_mask != nullptr)
    for (int64_t q = 0; q < positions; ++q)
      for (int64_t tap = 0; tap < taps(p); ++tap)
        for (int64_t g = 0; g < l.offset_groups; ++g) geometry_gradients(j, q, tap, g);
  for (int64_t n = 0; n < images && j.dx != nullptr; ++n)
    for (int64_t cell = 0; cell < l.in_h * l.in_w; ++cell)
      for (int64_t c = 0; c < p.in_channels;) {
        const int64_t lanes = std::min(kSums, width - c % width);
        double sums[kSums] = {};
        gather(j, n, cell, c, lanes, sums);
        for (int64_t i = 0; i < lanes; ++i)
          j.dx[(n * l.in_h * l.in_w + cell) * j.dx_pitch + c + i] = static_cast<float>(sums[i]);
        c += lanes;
      }
  for (int64_t o = 0; o < p.out_channels; ++o) {
    for (int64_t tap = 0; tap < taps(p) && j.dw != nullptr; ++tap)
      for (int64_t i = 0; i < group_in(p); ++i) weight_gradient(j, positions, o, tap, i);
    if (j.dbias == nullptr) continue;
    double sum = 0;
    for (int64_t q = 0; q < positions; ++q) sum += static_cast<double>(j.dy[q * j.dy_pitch + o]);
    j.dbias[o] = static_cast<float>(sum);
  }
}

// Floats of the workspace's parts; each begins at a cache line.
struct Space {
  int64_t panels, columns, d_columns, products;
  int64_t floats() const { return panels + columns + d_columns + products; }
};
Space space_of(const fovea_conv2d_params& p) {
  const auto lines = [](int64_t floats) { return (floats + 15) / 16 * 16; };
  const int64_t block = lines(kDeformBlock * deform_columns(p));
  return {p.groups * padded_columns(depth(p)) * group_out(p), block + kPanel, block, lines(p.out_channels * depth(p))};
}

fovea_status check_gradient(const char* op, const char* name, const fovea_tensor* t, const char* like_name,
                            const fovea_tensor* like, const fovea_stream* stream) {
  if (t == nullptr) return FOVEA_OK;
  FOVEA_CHECK(like != nullptr, "%s: %s without %s", op, name, like_name);
  FOVEA_TRY(check_tensor(op, name, t, like->rank, like->dtype, stream));
  return check_same_shape(op, like_name, *like, name, *t);
}

template <class T>
T* data(const fovea_tensor* t) {
  return t == nullptr ? nullptr : static_cast<T*>(t->data);
}
int64_t pitch(const fovea_tensor* t) { return t == nullptr ? 0 : t->pitch; }

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_deform_conv2d_backward_workspace(const fovea_deform_conv2d_params* params, const fovea_tensor* x,
                                                               int64_t* bytes) {
  constexpr const char* op = "deform_conv2d_backward_workspace";
  FOVEA_TRY(check_deform_params(op, params));
  FOVEA_TRY(check_deform_input(op, *params, x));
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_FORWARD_TENSOR(x, fovea_deform_conv2d_backward_workspace, params, x, bytes);
  *bytes = space_of(params->conv).floats() * int64_t{sizeof(float)};
  return FOVEA_OK;
}

extern "C" fovea_status fovea_deform_conv2d_backward(const fovea_deform_conv2d_params* params, const fovea_tensor* x,
                                                     const fovea_tensor* offsets, const fovea_tensor* mask,
                                                     const fovea_tensor* weights, const fovea_tensor* dy,
                                                     const fovea_deform_conv2d_gradients* gradients,
                                                     const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "deform_conv2d_backward";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_deform_params(op, params));
  FOVEA_CHECK(gradients != nullptr, "%s: gradients is NULL", op);
  const fovea_deform_conv2d_gradients& g = *gradients;
  const DeformTensors tensors{x, offsets, mask, weights, dy};
  FOVEA_TRY(check_deform(op, *params, tensors, "dy", stream));
  FOVEA_TRY(check_gradient(op, "dx", g.dx, "x", x, stream));
  FOVEA_TRY(check_gradient(op, "d_offsets", g.d_offsets, "offsets", offsets, stream));
  FOVEA_TRY(check_gradient(op, "d_mask", g.d_mask, "mask", mask, stream));
  FOVEA_TRY(check_gradient(op, "dw", g.dw, "weights", weights, stream));
  FOVEA_CHECK(g.dw == nullptr || contiguous(*g.dw), "%s: dw must not have gaps between its rows", op);
  FOVEA_TRY(check_channel_vector(op, "dbias", g.dbias, params->conv.out_channels, stream));
  const fovea_tensor* const outputs[] = {g.dx, g.d_offsets, g.d_mask, g.dw, g.dbias};
  const fovea_tensor* const inputs[] = {x, offsets, mask, weights, dy};
  for (const fovea_tensor* const& output : outputs) {
    if (output == nullptr) continue;
    for (const fovea_tensor* input : inputs)
      if (input != nullptr) FOVEA_TRY(check_no_overlap(op, "an input", *input, "a gradient", *output, false));
    for (const fovea_tensor* const* other = outputs; other != &output; ++other)
      if (*other != nullptr) FOVEA_TRY(check_no_overlap(op, "a gradient", **other, "another", *output, false));
  }
  FOVEA_FORWARD(stream, fovea_deform_conv2d_backward, params, x, offsets, mask, weights, dy, gradients, workspace, stream);
  const Space space = space_of(params->conv);
  FOVEA_TRY(check_workspace(op, workspace, space.floats() * int64_t{sizeof(float)}));
  auto* const panels = static_cast<float*>(workspace->data);
  float* const columns = panels + space.panels;
  const DeformBackwardJob job{deform_layer(*params, tensors),
                              data<const float>(x),
                              data<const float>(weights),
                              data<const float>(dy),
                              data<float>(g.dx),
                              data<float>(g.d_offsets),
                              data<float>(g.d_mask),
                              data<float>(g.dw),
                              data<float>(g.dbias),
                              panels,
                              columns,
                              columns + space.columns,
                              columns + space.columns + space.d_columns,
                              dy->pitch,
                              pitch(g.dx),
                              pitch(g.d_offsets),
                              pitch(g.d_mask)};
  return enqueue(stream,
                 select_isa(deform_conv2d_backward_reference, scalar::deform_conv2d_backward, avx2::deform_conv2d_backward,
                            avx512::deform_conv2d_backward),
                 job);
}
