// One convolution with all its tensors, for the conv2d tests.
#pragma once

#include "support.h"

namespace fovea_test {

struct ConvCase {
  const char* name;
  int64_t n, h, w;
  int32_t in, out, kernel_h, kernel_w;
  int32_t stride_h = 1, stride_w = 1;
  int32_t top = 0, bottom = 0, left = 0, right = 0;
  int32_t dilation_h = 1, dilation_w = 1;
  int32_t groups = 1;
  int32_t activation = FOVEA_ACTIVATION_NONE;
  bool bias = true, residual = false;
  int64_t x_extra = 0, y_extra = 0, residual_extra = 0;  // pitch beyond the channels
  int32_t winograd = 0;
  int32_t algorithm = FOVEA_CONV2D_AUTO;
};

inline fovea_conv2d_params params_of(const ConvCase& c) {
  fovea_conv2d_params p{};
  p.in_channels = c.in, p.out_channels = c.out;
  p.kernel_h = c.kernel_h, p.kernel_w = c.kernel_w;
  p.stride_h = c.stride_h, p.stride_w = c.stride_w;
  p.pad_top = c.top, p.pad_bottom = c.bottom, p.pad_left = c.left, p.pad_right = c.right;
  p.dilation_h = c.dilation_h, p.dilation_w = c.dilation_w;
  p.groups = c.groups;
  p.activation = {c.activation, 0.2f, 0.5f, 0};
  p.allow_winograd = c.winograd;
  p.algorithm = c.algorithm;
  return p;
}

inline int64_t output_size(int64_t size, int64_t pad, int64_t kernel, int64_t stride, int64_t dilation) {
  const int64_t room = size + pad - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

// The packed weights of a layer on the device under test, and its workspaces there and on the CPU: made at the first use and
// kept, since captured calls read them later.
struct LayerMemory {
  std::unique_ptr<Array<uint8_t>> prepared;
  std::unique_ptr<Workspace> workspaces[2];
  bool guards_intact() const {
    for (const auto& workspace : workspaces)
      if (workspace != nullptr && !workspace->guards_intact()) return false;
    return true;
  }
};
// Layers have `params`, `prepared` on the CPU, `memory`, prepared_bytes(params), prepare(array) and workspace_bytes().
template <class Layer>
Array<uint8_t>& prepared_here(Layer& layer) {
  if (current_device() == nullptr) return layer.prepared;
  if (layer.memory.prepared == nullptr) {
    layer.memory.prepared = std::make_unique<Array<uint8_t>>(std::vector<int64_t>{Layer::prepared_bytes(layer.params)});
    layer.prepare(*layer.memory.prepared);
  }
  return *layer.memory.prepared;
}
template <class Layer>
const fovea_workspace* workspace_here(Layer& layer) {
  auto& workspace = layer.memory.workspaces[current_device() != nullptr];
  if (workspace == nullptr) workspace = std::make_unique<Workspace>(layer.workspace_bytes());
  return workspace->get();
}
inline fovea_device* device_here() { return current_device() != nullptr ? current_device() : cpu(); }
// Poisons, calls and waits.
inline void run_prepare(Array<uint8_t>& into, const std::function<fovea_status(const fovea_tensor*, fovea_stream*)>& call) {
  into.poison();
  const StreamPtr stream = make_stream();
  const fovea_tensor view = into.view();
  EXPECT_EQ(call(&view, stream.get()), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(fovea_stream_synchronize(stream.get()), FOVEA_OK) << fovea_last_error();
  EXPECT_TRUE(into.guards_intact()) << "prepare wrote outside its output";
}

// The same values in a 16-bit type; `wide` is rounded to them, so products are exact in both.
template <class T>
std::unique_ptr<Array<T>> narrow_copy(Array<float>& wide) {
  auto result = std::make_unique<Array<T>>(wide.shape(), wide.pitch());
  for (int64_t i = 0; i < wide.size(); ++i) {
    (*result)[i] = T(static_cast<double>(wide[i]));
    wide[i] = static_cast<float>((*result)[i]);
  }
  return result;
}
// Results in a 16-bit type differ by up to one unit in the last place more: both sides are rounded to it.
template <class T>
Tolerance narrow_tolerance(Tolerance wide) {
  return {wide.relative + (std::is_same_v<T, Half> ? 0x1p-10 : 0x1p-7), wide.absolute};
}

struct Conv {
  explicit Conv(const ConvCase& c)
      : params(params_of(c)),
        x({c.n, c.h, c.w, c.in}, c.in + c.x_extra),
        weights({c.out, c.kernel_h, c.kernel_w, c.in / c.groups}),
        bias({c.out}),
        slope({c.out}),
        y({c.n, output_size(c.h, c.top + c.bottom, c.kernel_h, c.stride_h, c.dilation_h),
           output_size(c.w, c.left + c.right, c.kernel_w, c.stride_w, c.dilation_w), c.out},
          c.out + c.y_extra),
        residual({c.n, output_size(c.h, c.top + c.bottom, c.kernel_h, c.stride_h, c.dilation_h),
                  output_size(c.w, c.left + c.right, c.kernel_w, c.stride_w, c.dilation_w), c.out},
                 c.out + c.residual_extra),
        prepared({prepared_bytes(params)}),
        with_bias(c.bias),
        with_residual(c.residual) {
    x.fill(1), weights.fill(2), bias.fill(3), slope.fill(4, 0, 0.5), residual.fill(5);
    prepare(prepared);
  }

  static int64_t prepared_bytes(const fovea_conv2d_params& p) {
    int64_t bytes = 0;
    EXPECT_EQ(fovea_conv2d_prepared_bytes(device_here(), &p, &bytes), FOVEA_OK) << fovea_last_error();
    return bytes;
  }
  void prepare(Array<uint8_t>& into) {
    run_prepare(into, [&](const fovea_tensor* pt, fovea_stream* stream) {
      const fovea_tensor wt = weights.view();
      return fovea_conv2d_prepare(&params, &wt, pt, stream);
    });
  }

  int64_t workspace_bytes() {
    int64_t bytes = 0;
    const fovea_tensor xt = x.view();
    EXPECT_EQ(fovea_conv2d_workspace(&params, &xt, &bytes), FOVEA_OK) << fovea_last_error();
    return bytes;
  }

  fovea_status run(const fovea_workspace* workspace, fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor pt = prepared_here(*this).view(), bt = bias.view(), st = slope.view(), rt = residual.view(),
                       yt = y.view();
    return fovea_conv2d(&params, &xt, &pt, with_bias ? &bt : nullptr,
                        params.activation.kind == FOVEA_ACTIVATION_PRELU ? &st : nullptr, with_residual ? &rt : nullptr, &yt,
                        workspace, stream);
  }

  // A sum of K products of values in [-1, 1] walks like sqrt(k)/3, each step rounded by eps/2 of it: a standard deviation of
  // K*eps/8. Eight of them, K*eps, and some for bias, residual and activation (exp is good to 2 ulp).
  Tolerance tolerance(double factor = 1) const {
    const double k = static_cast<double>(params.kernel_h) * params.kernel_w * (params.in_channels / params.groups);
    return {1e-6, 1.2e-7 * factor * k + 4e-6, 1.1 * k};  // 1.1: SiLU's steepest slope
  }

  void check(double factor = 1, const int32_t* live = nullptr) {
    check_kernel<float>(y, tolerance(factor), [&](fovea_stream* s) { return run(workspace_here(*this), s, live); });
    EXPECT_TRUE(memory.guards_intact()) << "wrote outside the workspace";
  }

  template <class T>
  void check_narrow() {
    const auto nx = narrow_copy<T>(x), nr = narrow_copy<T>(residual), ny = narrow_copy<T>(y);
    narrow_copy<T>(weights);
    prepare(prepared);
    check_narrow_kernel<T>(
        *ny, y, narrow_tolerance<T>(tolerance()), [&](fovea_stream* s) { return run(workspace_here(*this), s); },
        [&](fovea_stream* s) {
          const fovea_tensor xt = nx->view(), rt = nr->view(), yt = ny->view(), pt = prepared_here(*this).view();
          const fovea_tensor bt = bias.view(), st = slope.view();
          return fovea_conv2d(&params, &xt, &pt, with_bias ? &bt : nullptr,
                              params.activation.kind == FOVEA_ACTIVATION_PRELU ? &st : nullptr, with_residual ? &rt : nullptr,
                              &yt, workspace_here(*this), s);
        });
  }

  fovea_conv2d_params params;
  Array<float> x, weights, bias, slope, y, residual;
  Array<uint8_t> prepared;  // on the CPU
  LayerMemory memory;
  bool with_bias, with_residual;
};

}  // namespace fovea_test
