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
    fovea_device* device = current_device() != nullptr ? current_device() : cpu();
    EXPECT_EQ(fovea_conv2d_prepared_bytes(device, &p, &bytes), FOVEA_OK) << fovea_last_error();
    return bytes;
  }
  void prepare(Array<uint8_t>& into) {
    into.poison();
    const StreamPtr stream = make_stream();
    const fovea_tensor wt = weights.view(), pt = into.view();
    EXPECT_EQ(fovea_conv2d_prepare(&params, &wt, &pt, stream.get()), FOVEA_OK) << fovea_last_error();
    EXPECT_EQ(fovea_stream_synchronize(stream.get()), FOVEA_OK) << fovea_last_error();
    EXPECT_TRUE(into.guards_intact()) << "prepare wrote outside its output";
  }
  // Of the current device; made at the first use and kept, since captured calls read them later.
  Array<uint8_t>& prepared_here() {
    if (current_device() == nullptr) return prepared;
    if (device_prepared == nullptr) {
      device_prepared = std::make_unique<Array<uint8_t>>(std::vector<int64_t>{prepared_bytes(params)});
      prepare(*device_prepared);
    }
    return *device_prepared;
  }
  Workspace& workspace_here() {
    auto& workspace = workspaces[current_device() != nullptr];
    if (workspace == nullptr) workspace = std::make_unique<Workspace>(workspace_bytes());
    return *workspace;
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
    const fovea_tensor pt = prepared_here().view(), bt = bias.view(), st = slope.view(), rt = residual.view(), yt = y.view();
    return fovea_conv2d(&params, &xt, &pt, with_bias ? &bt : nullptr,
                        params.activation.kind == FOVEA_ACTIVATION_PRELU ? &st : nullptr, with_residual ? &rt : nullptr, &yt,
                        workspace, stream);
  }

  // A sum of K products of values in [-1, 1] walks like sqrt(k)/3, each step rounded by eps/2 of it: a standard deviation of
  // K*eps/8. Eight of them, K*eps, and some for bias, residual and activation (exp is good to 2 ulp).
  Tolerance tolerance(double factor = 1) const {
    const double k = static_cast<double>(params.kernel_h) * params.kernel_w * (params.in_channels / params.groups);
    return {1e-6, 1.2e-7 * factor * k + 4e-6};
  }

  void check(double factor = 1, const int32_t* live = nullptr) {
    check_kernel<float>(y, tolerance(factor), [&](fovea_stream* s) { return run(workspace_here().get(), s, live); });
    for (const auto& workspace : workspaces)
      EXPECT_TRUE(workspace == nullptr || workspace->guards_intact()) << "wrote outside the workspace";
  }

  // The layer in a 16-bit type, whose values x, weights and residual take: then products are exact and sums are those of f32.
  // Twice half a unit in the last place, `unit`: the reference is rounded to the type too.
  template <class T>
  void check_narrow(double unit) {
    const auto narrow = [](Array<float>& wide, int64_t extra) {
      auto result = std::make_unique<Array<T>>(wide.shape(), wide.last() + extra);
      for (int64_t i = 0; i < wide.size(); ++i) {
        (*result)[i] = T(static_cast<double>(wide[i]));
        wide[i] = static_cast<float>((*result)[i]);
      }
      return result;
    };
    const auto nx = narrow(x, x.pitch() - x.last()), nr = narrow(residual, residual.pitch() - residual.last());
    const auto ny = narrow(y, y.pitch() - y.last());
    narrow(weights, 0);
    prepare(prepared);
    const Tolerance t{tolerance().relative + unit, tolerance().absolute};
    check_narrow_kernel<T>(
        *ny, y, t, [&](fovea_stream* s) { return run(workspace_here().get(), s); },
        [&](fovea_stream* s) {
          const fovea_tensor xt = nx->view(), rt = nr->view(), yt = ny->view(), pt = prepared_here().view();
          const fovea_tensor bt = bias.view(), st = slope.view();
          return fovea_conv2d(&params, &xt, &pt, with_bias ? &bt : nullptr,
                              params.activation.kind == FOVEA_ACTIVATION_PRELU ? &st : nullptr, with_residual ? &rt : nullptr,
                              &yt, workspace_here().get(), s);
        });
  }

  fovea_conv2d_params params;
  Array<float> x, weights, bias, slope, y, residual;
  Array<uint8_t> prepared;  // on the CPU
  std::unique_ptr<Array<uint8_t>> device_prepared;
  std::unique_ptr<Workspace> workspaces[2];
  bool with_bias, with_residual;
};

}  // namespace fovea_test
