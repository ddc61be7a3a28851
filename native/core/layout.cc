// The layout table: every struct that crosses the door, as this library was compiled. A test compares it with the bindings.
#include "core/status.h"
#include "fovea/fovea.h"

namespace {

// The table reads as paragraphs, one struct each.
// clang-format off
#define STRUCT(type) {#type, nullptr, 0, static_cast<int64_t>(sizeof(type))}
#define FIELD(type, field) {#type, #field, static_cast<int64_t>(offsetof(type, field)), static_cast<int64_t>(sizeof(type::field))}

constexpr fovea_layout_entry kLayout[] = {
    STRUCT(fovea_dtype), FIELD(fovea_dtype, code), FIELD(fovea_dtype, bits), FIELD(fovea_dtype, lanes),
    STRUCT(fovea_tensor), FIELD(fovea_tensor, data), FIELD(fovea_tensor, shape), FIELD(fovea_tensor, pitch),
    FIELD(fovea_tensor, live), FIELD(fovea_tensor, rank), FIELD(fovea_tensor, dtype), FIELD(fovea_tensor, device_type),
    FIELD(fovea_tensor, device_id),
    STRUCT(fovea_workspace), FIELD(fovea_workspace, data), FIELD(fovea_workspace, bytes),
    STRUCT(fovea_layout_entry), FIELD(fovea_layout_entry, type_name), FIELD(fovea_layout_entry, field_name),
    FIELD(fovea_layout_entry, offset), FIELD(fovea_layout_entry, size),
    STRUCT(fovea_backend_info), FIELD(fovea_backend_info, name), FIELD(fovea_backend_info, origin),
    FIELD(fovea_backend_info, reason), FIELD(fovea_backend_info, device_count), FIELD(fovea_backend_info, abi_version),
    STRUCT(fovea_device_info), FIELD(fovea_device_info, type), FIELD(fovea_device_info, id), FIELD(fovea_device_info, name),
    FIELD(fovea_device_info, detail), FIELD(fovea_device_info, memory_bytes), FIELD(fovea_device_info, compute_units),
    STRUCT(fovea_stream_options), FIELD(fovea_stream_options, max_threads),
    FIELD(fovea_stream_options, f32_products),
    STRUCT(fovea_thread_options), FIELD(fovea_thread_options, count), FIELD(fovea_thread_options, spin_microseconds),
    FIELD(fovea_thread_options, pin),
    STRUCT(fovea_activation_params), FIELD(fovea_activation_params, kind), FIELD(fovea_activation_params, alpha),
    FIELD(fovea_activation_params, beta),
    STRUCT(fovea_conv2d_params), FIELD(fovea_conv2d_params, in_channels), FIELD(fovea_conv2d_params, out_channels),
    FIELD(fovea_conv2d_params, kernel_h), FIELD(fovea_conv2d_params, kernel_w), FIELD(fovea_conv2d_params, stride_h),
    FIELD(fovea_conv2d_params, stride_w), FIELD(fovea_conv2d_params, pad_top), FIELD(fovea_conv2d_params, pad_bottom),
    FIELD(fovea_conv2d_params, pad_left), FIELD(fovea_conv2d_params, pad_right), FIELD(fovea_conv2d_params, dilation_h),
    FIELD(fovea_conv2d_params, dilation_w), FIELD(fovea_conv2d_params, groups), FIELD(fovea_conv2d_params, activation),
    FIELD(fovea_conv2d_params, allow_winograd), FIELD(fovea_conv2d_params, algorithm),
    STRUCT(fovea_linear_params), FIELD(fovea_linear_params, in_features), FIELD(fovea_linear_params, out_features),
    FIELD(fovea_linear_params, activation), FIELD(fovea_linear_params, weights),
    STRUCT(fovea_norm_params), FIELD(fovea_norm_params, epsilon), FIELD(fovea_norm_params, rms), FIELD(fovea_norm_params, groups),
    STRUCT(fovea_attention_params), FIELD(fovea_attention_params, softmax_scale), FIELD(fovea_attention_params, causal),
    FIELD(fovea_attention_params, window), FIELD(fovea_attention_params, softcap),
    STRUCT(fovea_selective_scan_params), FIELD(fovea_selective_scan_params, delta_softplus),
    STRUCT(fovea_matmul_params), FIELD(fovea_matmul_params, alpha), FIELD(fovea_matmul_params, transpose_a),
    FIELD(fovea_matmul_params, transpose_b),
    STRUCT(fovea_pool2d_params), FIELD(fovea_pool2d_params, mode), FIELD(fovea_pool2d_params, kernel_h),
    FIELD(fovea_pool2d_params, kernel_w), FIELD(fovea_pool2d_params, stride_h), FIELD(fovea_pool2d_params, stride_w),
    FIELD(fovea_pool2d_params, pad_top), FIELD(fovea_pool2d_params, pad_bottom), FIELD(fovea_pool2d_params, pad_left),
    FIELD(fovea_pool2d_params, pad_right), FIELD(fovea_pool2d_params, dilation_h), FIELD(fovea_pool2d_params, dilation_w),
    FIELD(fovea_pool2d_params, ceil_mode), FIELD(fovea_pool2d_params, count_include_pad),
    STRUCT(fovea_unary_params), FIELD(fovea_unary_params, op), FIELD(fovea_unary_params, alpha), FIELD(fovea_unary_params, beta),
    STRUCT(fovea_softmax_params), FIELD(fovea_softmax_params, axis), FIELD(fovea_softmax_params, log),
    STRUCT(fovea_reduce_params), FIELD(fovea_reduce_params, op), FIELD(fovea_reduce_params, axes),
    STRUCT(fovea_arg_params), FIELD(fovea_arg_params, axis), FIELD(fovea_arg_params, minimum),
    STRUCT(fovea_topk_params), FIELD(fovea_topk_params, k), FIELD(fovea_topk_params, smallest),
    STRUCT(fovea_resize_params), FIELD(fovea_resize_params, mode), FIELD(fovea_resize_params, align_corners),
    FIELD(fovea_resize_params, antialias), FIELD(fovea_resize_params, cubic_a), FIELD(fovea_resize_params, scale),
    FIELD(fovea_resize_params, offset),
    STRUCT(fovea_letterbox_params), FIELD(fovea_letterbox_params, resize), FIELD(fovea_letterbox_params, place_x),
    FIELD(fovea_letterbox_params, place_y), FIELD(fovea_letterbox_params, place_w), FIELD(fovea_letterbox_params, place_h), FIELD(fovea_letterbox_params, reverse_channels),
    FIELD(fovea_letterbox_params, pad_value), FIELD(fovea_letterbox_params, mean), FIELD(fovea_letterbox_params, scale),
    STRUCT(fovea_crop_resize_params), FIELD(fovea_crop_resize_params, resize), FIELD(fovea_crop_resize_params, plus_one),
    FIELD(fovea_crop_resize_params, pad_value),
    STRUCT(fovea_grid_proposals_params), FIELD(fovea_grid_proposals_params, threshold), FIELD(fovea_grid_proposals_params, stride),
    FIELD(fovea_grid_proposals_params, cell), FIELD(fovea_grid_proposals_params, origin), FIELD(fovea_grid_proposals_params, scale_x),
    FIELD(fovea_grid_proposals_params, scale_y), FIELD(fovea_grid_proposals_params, plus_one),
    FIELD(fovea_grid_proposals_params, rounding),
    STRUCT(fovea_box_deltas_params), FIELD(fovea_box_deltas_params, mode), FIELD(fovea_box_deltas_params, plus_one),
    STRUCT(fovea_box_points_params), FIELD(fovea_box_points_params, plus_one), FIELD(fovea_box_points_params, planar),
    STRUCT(fovea_nms_params), FIELD(fovea_nms_params, iou_threshold), FIELD(fovea_nms_params, score_threshold),
    FIELD(fovea_nms_params, overlap), FIELD(fovea_nms_params, plus_one), FIELD(fovea_nms_params, inclusive),
    FIELD(fovea_nms_params, max_per_class),
    STRUCT(fovea_conv_transpose2d_params), FIELD(fovea_conv_transpose2d_params, conv), FIELD(fovea_conv_transpose2d_params, output_pad_h), FIELD(fovea_conv_transpose2d_params, output_pad_w),
    STRUCT(fovea_separable_conv2d_params), FIELD(fovea_separable_conv2d_params, depthwise), FIELD(fovea_separable_conv2d_params, out_channels), FIELD(fovea_separable_conv2d_params, activation),
    STRUCT(fovea_batch_norm_params), FIELD(fovea_batch_norm_params, epsilon), FIELD(fovea_batch_norm_params, momentum), FIELD(fovea_batch_norm_params, training), FIELD(fovea_batch_norm_params, activation),
    STRUCT(fovea_linear_attention_params), FIELD(fovea_linear_attention_params, scale), FIELD(fovea_linear_attention_params, chunk),
    STRUCT(fovea_selective_scan_gradients), FIELD(fovea_selective_scan_gradients, du), FIELD(fovea_selective_scan_gradients, d_delta), FIELD(fovea_selective_scan_gradients, dA), FIELD(fovea_selective_scan_gradients, dB), FIELD(fovea_selective_scan_gradients, dC), FIELD(fovea_selective_scan_gradients, d_skip), FIELD(fovea_selective_scan_gradients, dz), FIELD(fovea_selective_scan_gradients, d_delta_bias), FIELD(fovea_selective_scan_gradients, d_initial_state),
    STRUCT(fovea_recurrent_params), FIELD(fovea_recurrent_params, cell), FIELD(fovea_recurrent_params, input_size), FIELD(fovea_recurrent_params, hidden_size), FIELD(fovea_recurrent_params, reverse),
    STRUCT(fovea_soft_nms_params), FIELD(fovea_soft_nms_params, method), FIELD(fovea_soft_nms_params, iou_threshold), FIELD(fovea_soft_nms_params, sigma), FIELD(fovea_soft_nms_params, score_threshold), FIELD(fovea_soft_nms_params, plus_one),
    STRUCT(fovea_decode_params), FIELD(fovea_decode_params, score_mode), FIELD(fovea_decode_params, box_mode), FIELD(fovea_decode_params, background), FIELD(fovea_decode_params, bins), FIELD(fovea_decode_params, best_class), FIELD(fovea_decode_params, top_k), FIELD(fovea_decode_params, score_threshold), FIELD(fovea_decode_params, delta_weights), FIELD(fovea_decode_params, clip_w), FIELD(fovea_decode_params, clip_h),
    STRUCT(fovea_cross_column), FIELD(fovea_cross_column, values), FIELD(fovea_cross_column, row_splits),
    STRUCT(fovea_optimizer_params), FIELD(fovea_optimizer_params, kind), FIELD(fovea_optimizer_params, beta1), FIELD(fovea_optimizer_params, beta2), FIELD(fovea_optimizer_params, epsilon), FIELD(fovea_optimizer_params, weight_decay), FIELD(fovea_optimizer_params, dampening),
    STRUCT(fovea_dropout_params), FIELD(fovea_dropout_params, rate), FIELD(fovea_dropout_params, sequence),
    STRUCT(fovea_cross_entropy_params), FIELD(fovea_cross_entropy_params, label_smoothing), FIELD(fovea_cross_entropy_params, ignore_index),
    STRUCT(fovea_linear_attention_gradients), FIELD(fovea_linear_attention_gradients, dq), FIELD(fovea_linear_attention_gradients, dk), FIELD(fovea_linear_attention_gradients, dv), FIELD(fovea_linear_attention_gradients, d_log_decay), FIELD(fovea_linear_attention_gradients, d_initial_state),
    STRUCT(fovea_recurrent_inputs), FIELD(fovea_recurrent_inputs, x), FIELD(fovea_recurrent_inputs, weights), FIELD(fovea_recurrent_inputs, recurrent), FIELD(fovea_recurrent_inputs, bias), FIELD(fovea_recurrent_inputs, recurrent_bias), FIELD(fovea_recurrent_inputs, lengths), FIELD(fovea_recurrent_inputs, initial_h), FIELD(fovea_recurrent_inputs, initial_c), FIELD(fovea_recurrent_inputs, y), FIELD(fovea_recurrent_inputs, dy), FIELD(fovea_recurrent_inputs, d_final_h), FIELD(fovea_recurrent_inputs, d_final_c),
    STRUCT(fovea_recurrent_gradients), FIELD(fovea_recurrent_gradients, dx), FIELD(fovea_recurrent_gradients, d_weights), FIELD(fovea_recurrent_gradients, d_recurrent), FIELD(fovea_recurrent_gradients, d_bias), FIELD(fovea_recurrent_gradients, d_recurrent_bias), FIELD(fovea_recurrent_gradients, d_initial_h), FIELD(fovea_recurrent_gradients, d_initial_c),
    STRUCT(fovea_roi_align_params), FIELD(fovea_roi_align_params, mode), FIELD(fovea_roi_align_params, spatial_scale), FIELD(fovea_roi_align_params, sampling_ratio), FIELD(fovea_roi_align_params, aligned),
    STRUCT(fovea_deform_conv2d_params), FIELD(fovea_deform_conv2d_params, conv), FIELD(fovea_deform_conv2d_params, offset_groups),
    STRUCT(fovea_deform_conv2d_gradients), FIELD(fovea_deform_conv2d_gradients, dx), FIELD(fovea_deform_conv2d_gradients, d_offsets), FIELD(fovea_deform_conv2d_gradients, d_mask), FIELD(fovea_deform_conv2d_gradients, dw), FIELD(fovea_deform_conv2d_gradients, dbias),
    STRUCT(fovea_weighted_nms_params), FIELD(fovea_weighted_nms_params, method), FIELD(fovea_weighted_nms_params, iou_threshold), FIELD(fovea_weighted_nms_params, score_threshold), FIELD(fovea_weighted_nms_params, models), FIELD(fovea_weighted_nms_params, plus_one),
    STRUCT(fovea_peak_params), FIELD(fovea_peak_params, score_mode), FIELD(fovea_peak_params, size_mode), FIELD(fovea_peak_params, window), FIELD(fovea_peak_params, top_k), FIELD(fovea_peak_params, score_threshold), FIELD(fovea_peak_params, stride), FIELD(fovea_peak_params, size_scale), FIELD(fovea_peak_params, clip_w), FIELD(fovea_peak_params, clip_h),
    STRUCT(fovea_pointwise_loss_params), FIELD(fovea_pointwise_loss_params, kind), FIELD(fovea_pointwise_loss_params, alpha), FIELD(fovea_pointwise_loss_params, beta), FIELD(fovea_pointwise_loss_params, gamma),
    STRUCT(fovea_box_loss_params), FIELD(fovea_box_loss_params, overlap), FIELD(fovea_box_loss_params, detach_alpha), FIELD(fovea_box_loss_params, power),
    STRUCT(fovea_diagonal_scan_params), FIELD(fovea_diagonal_scan_params, is_complex),
    STRUCT(fovea_gated_linear_attention_inputs), FIELD(fovea_gated_linear_attention_inputs, q), FIELD(fovea_gated_linear_attention_inputs, k), FIELD(fovea_gated_linear_attention_inputs, v), FIELD(fovea_gated_linear_attention_inputs, log_decay), FIELD(fovea_gated_linear_attention_inputs, bonus), FIELD(fovea_gated_linear_attention_inputs, removal), FIELD(fovea_gated_linear_attention_inputs, replacement),
    STRUCT(fovea_gated_linear_attention_gradients), FIELD(fovea_gated_linear_attention_gradients, dq), FIELD(fovea_gated_linear_attention_gradients, dk), FIELD(fovea_gated_linear_attention_gradients, dv), FIELD(fovea_gated_linear_attention_gradients, d_log_decay), FIELD(fovea_gated_linear_attention_gradients, d_bonus), FIELD(fovea_gated_linear_attention_gradients, d_removal), FIELD(fovea_gated_linear_attention_gradients, d_replacement),
};

#undef STRUCT
#undef FIELD
// clang-format on

}  // namespace

extern "C" fovea_status fovea_layout(const fovea_layout_entry** entries, int64_t* count) {
  FOVEA_CHECK(entries != nullptr && count != nullptr, "layout: result pointer is NULL");
  *entries = kLayout;
  *count = static_cast<int64_t>(sizeof kLayout / sizeof kLayout[0]);
  return FOVEA_OK;
}
