using System.Runtime.InteropServices;

namespace Fovea.Interop;

public static unsafe partial class NativeMethods
{
    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [return: NativeTypeName("const char *")]
    public static extern sbyte* fovea_last_error();

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [return: NativeTypeName("int32_t")]
    public static extern int fovea_abi_version();

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [return: NativeTypeName("const char *")]
    public static extern sbyte* fovea_build_info();

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_layout([NativeTypeName("const fovea_layout_entry **")] fovea_layout_entry** entries, [NativeTypeName("int64_t *")] long* count);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_backend_load([NativeTypeName("const char *")] sbyte* path);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_backend_count([NativeTypeName("int32_t *")] int* count);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_backend_get([NativeTypeName("int32_t")] int index, fovea_backend_info* info);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_device_open([NativeTypeName("const char *")] sbyte* name, fovea_device** device);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_device_describe([NativeTypeName("const fovea_device *")] fovea_device* device, fovea_device_info* info);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_device_check(fovea_device* device);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_memory_alloc(fovea_device* device, [NativeTypeName("int32_t")] int kind, [NativeTypeName("int64_t")] long bytes, void** data);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_memory_free(fovea_device* device, [NativeTypeName("int32_t")] int kind, void* data, [NativeTypeName("int64_t")] long bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_memory_copy(void* destination, [NativeTypeName("const void *")] void* source, [NativeTypeName("int64_t")] long bytes, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_memory_fill(void* destination, [NativeTypeName("uint8_t")] byte value, [NativeTypeName("int64_t")] long bytes, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_stream_create(fovea_device* device, [NativeTypeName("const fovea_stream_options *")] fovea_stream_options* options, fovea_stream** stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_stream_destroy(fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_stream_synchronize(fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_stream_from_native(fovea_device* device, void* native, fovea_stream** stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_stream_native([NativeTypeName("const fovea_stream *")] fovea_stream* stream, void** native);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_event_create(fovea_device* device, fovea_event** @event);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_event_destroy(fovea_event* @event);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_event_record(fovea_event* @event, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_event_synchronize(fovea_event* @event);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_event_elapsed([NativeTypeName("const fovea_event *")] fovea_event* start, [NativeTypeName("const fovea_event *")] fovea_event* end, double* milliseconds);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_stream_wait(fovea_stream* stream, fovea_event* @event);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_capture_begin(fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_capture_end(fovea_stream* stream, fovea_graph** graph);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_graph_replay(fovea_graph* graph, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_graph_node_count([NativeTypeName("const fovea_graph *")] fovea_graph* graph, [NativeTypeName("int64_t *")] long* count);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_graph_destroy(fovea_graph* graph);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_threads_configure([NativeTypeName("const fovea_thread_options *")] fovea_thread_options* options);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_threads_query(fovea_thread_options* options);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_isa_detected([NativeTypeName("int32_t *")] int* isa);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_isa_active([NativeTypeName("int32_t *")] int* isa);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_isa_force([NativeTypeName("int32_t")] int isa);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_activate([NativeTypeName("const fovea_activation_params *")] fovea_activation_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* slope, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_conv2d_chosen([NativeTypeName("const fovea_conv2d_params *")] fovea_conv2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("int32_t *")] int* algorithm);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_conv2d_prepared_bytes(fovea_device* device, [NativeTypeName("const fovea_conv2d_params *")] fovea_conv2d_params* @params, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_conv2d_prepare([NativeTypeName("const fovea_conv2d_params *")] fovea_conv2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* weights, [NativeTypeName("const fovea_tensor *")] fovea_tensor* prepared, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_conv2d_workspace([NativeTypeName("const fovea_conv2d_params *")] fovea_conv2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_conv2d([NativeTypeName("const fovea_conv2d_params *")] fovea_conv2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* prepared, [NativeTypeName("const fovea_tensor *")] fovea_tensor* bias, [NativeTypeName("const fovea_tensor *")] fovea_tensor* slope, [NativeTypeName("const fovea_tensor *")] fovea_tensor* residual, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_conv2d_backward_data_prepared_bytes(fovea_device* device, [NativeTypeName("const fovea_conv2d_params *")] fovea_conv2d_params* @params, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_conv2d_backward_data_prepare([NativeTypeName("const fovea_conv2d_params *")] fovea_conv2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* weights, [NativeTypeName("const fovea_tensor *")] fovea_tensor* prepared, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_conv2d_backward_data_workspace([NativeTypeName("const fovea_conv2d_params *")] fovea_conv2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_conv2d_backward_data([NativeTypeName("const fovea_conv2d_params *")] fovea_conv2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* prepared, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_conv2d_backward_weights_workspace([NativeTypeName("const fovea_conv2d_params *")] fovea_conv2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_conv2d_backward_weights([NativeTypeName("const fovea_conv2d_params *")] fovea_conv2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dw, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dbias, [NativeTypeName("int32_t")] int accumulate, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_conv_transpose2d_prepared_bytes(fovea_device* device, [NativeTypeName("const fovea_conv_transpose2d_params *")] fovea_conv_transpose2d_params* @params, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_conv_transpose2d_prepare([NativeTypeName("const fovea_conv_transpose2d_params *")] fovea_conv_transpose2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* weights, [NativeTypeName("const fovea_tensor *")] fovea_tensor* prepared, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_conv_transpose2d_workspace([NativeTypeName("const fovea_conv_transpose2d_params *")] fovea_conv_transpose2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_conv_transpose2d([NativeTypeName("const fovea_conv_transpose2d_params *")] fovea_conv_transpose2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* prepared, [NativeTypeName("const fovea_tensor *")] fovea_tensor* bias, [NativeTypeName("const fovea_tensor *")] fovea_tensor* slope, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_separable_conv2d_prepared_bytes(fovea_device* device, [NativeTypeName("const fovea_separable_conv2d_params *")] fovea_separable_conv2d_params* @params, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_separable_conv2d_prepare([NativeTypeName("const fovea_separable_conv2d_params *")] fovea_separable_conv2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* depthwise_weights, [NativeTypeName("const fovea_tensor *")] fovea_tensor* pointwise_weights, [NativeTypeName("const fovea_tensor *")] fovea_tensor* prepared, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_separable_conv2d_workspace([NativeTypeName("const fovea_separable_conv2d_params *")] fovea_separable_conv2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_separable_conv2d([NativeTypeName("const fovea_separable_conv2d_params *")] fovea_separable_conv2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* prepared, [NativeTypeName("const fovea_tensor *")] fovea_tensor* depthwise_bias, [NativeTypeName("const fovea_tensor *")] fovea_tensor* bias, [NativeTypeName("const fovea_tensor *")] fovea_tensor* slope, [NativeTypeName("const fovea_tensor *")] fovea_tensor* residual, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_linear_prepared_bytes(fovea_device* device, [NativeTypeName("const fovea_linear_params *")] fovea_linear_params* @params, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_linear_prepare([NativeTypeName("const fovea_linear_params *")] fovea_linear_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* weights, [NativeTypeName("const fovea_tensor *")] fovea_tensor* prepared, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_linear_workspace([NativeTypeName("const fovea_linear_params *")] fovea_linear_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_linear([NativeTypeName("const fovea_linear_params *")] fovea_linear_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* prepared, [NativeTypeName("const fovea_tensor *")] fovea_tensor* bias, [NativeTypeName("const fovea_tensor *")] fovea_tensor* slope, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_matmul_workspace([NativeTypeName("const fovea_matmul_params *")] fovea_matmul_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* a, [NativeTypeName("const fovea_tensor *")] fovea_tensor* b, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_matmul([NativeTypeName("const fovea_matmul_params *")] fovea_matmul_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* a, [NativeTypeName("const fovea_tensor *")] fovea_tensor* b, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_pool2d([NativeTypeName("const fovea_pool2d_params *")] fovea_pool2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_adaptive_pool2d([NativeTypeName("int32_t")] int mode, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_unary([NativeTypeName("const fovea_unary_params *")] fovea_unary_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_binary([NativeTypeName("int32_t")] int op, [NativeTypeName("const fovea_tensor *")] fovea_tensor* a, [NativeTypeName("const fovea_tensor *")] fovea_tensor* b, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_copy([NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_softmax([NativeTypeName("const fovea_softmax_params *")] fovea_softmax_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_reduce([NativeTypeName("const fovea_reduce_params *")] fovea_reduce_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_argmax([NativeTypeName("const fovea_arg_params *")] fovea_arg_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* indices, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_topk_workspace([NativeTypeName("const fovea_topk_params *")] fovea_topk_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_topk([NativeTypeName("const fovea_topk_params *")] fovea_topk_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* values, [NativeTypeName("const fovea_tensor *")] fovea_tensor* indices, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_layer_norm([NativeTypeName("const fovea_norm_params *")] fovea_norm_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* residual, [NativeTypeName("const fovea_tensor *")] fovea_tensor* gamma, [NativeTypeName("const fovea_tensor *")] fovea_tensor* beta, [NativeTypeName("const fovea_tensor *")] fovea_tensor* sum, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_group_norm([NativeTypeName("const fovea_norm_params *")] fovea_norm_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* gamma, [NativeTypeName("const fovea_tensor *")] fovea_tensor* beta, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_batch_norm([NativeTypeName("const fovea_batch_norm_params *")] fovea_batch_norm_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* gamma, [NativeTypeName("const fovea_tensor *")] fovea_tensor* beta, [NativeTypeName("const fovea_tensor *")] fovea_tensor* mean, [NativeTypeName("const fovea_tensor *")] fovea_tensor* variance, [NativeTypeName("const fovea_tensor *")] fovea_tensor* saved_mean, [NativeTypeName("const fovea_tensor *")] fovea_tensor* saved_rstd, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_gather_rows([NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* indices, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_scatter_add_rows([NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* indices, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_append_rows([NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* indices, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, [NativeTypeName("const fovea_tensor *")] fovea_tensor* count, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_split_count([NativeTypeName("int32_t")] int chunk, [NativeTypeName("const fovea_tensor *")] fovea_tensor* count, [NativeTypeName("const fovea_tensor *")] fovea_tensor* counts, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_optimizer_step([NativeTypeName("const fovea_optimizer_params *")] fovea_optimizer_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* parameter, [NativeTypeName("const fovea_tensor *")] fovea_tensor* gradient, [NativeTypeName("const fovea_tensor *")] fovea_tensor* first, [NativeTypeName("const fovea_tensor *")] fovea_tensor* second, [NativeTypeName("const fovea_tensor *")] fovea_tensor* schedule, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_global_norm_workspace([NativeTypeName("const fovea_tensor *const *")] fovea_tensor** gradients, [NativeTypeName("int64_t")] long count, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_global_norm([NativeTypeName("const fovea_tensor *const *")] fovea_tensor** gradients, [NativeTypeName("int64_t")] long count, float max_norm, [NativeTypeName("const fovea_tensor *")] fovea_tensor* result, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_attention_workspace([NativeTypeName("const fovea_attention_params *")] fovea_attention_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* q, [NativeTypeName("const fovea_tensor *")] fovea_tensor* k, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_attention([NativeTypeName("const fovea_attention_params *")] fovea_attention_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* q, [NativeTypeName("const fovea_tensor *")] fovea_tensor* k, [NativeTypeName("const fovea_tensor *")] fovea_tensor* v, [NativeTypeName("const fovea_tensor *")] fovea_tensor* key_lengths, [NativeTypeName("const fovea_tensor *")] fovea_tensor* o, [NativeTypeName("const fovea_tensor *")] fovea_tensor* lse, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_attention_ragged_workspace([NativeTypeName("const fovea_attention_params *")] fovea_attention_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* q, [NativeTypeName("const fovea_tensor *")] fovea_tensor* k, [NativeTypeName("int64_t")] long sequences, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_attention_ragged([NativeTypeName("const fovea_attention_params *")] fovea_attention_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* q, [NativeTypeName("const fovea_tensor *")] fovea_tensor* k, [NativeTypeName("const fovea_tensor *")] fovea_tensor* v, [NativeTypeName("const fovea_tensor *")] fovea_tensor* query_offsets, [NativeTypeName("const fovea_tensor *")] fovea_tensor* key_offsets, [NativeTypeName("const fovea_tensor *")] fovea_tensor* o, [NativeTypeName("const fovea_tensor *")] fovea_tensor* lse, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_attention_backward_workspace([NativeTypeName("const fovea_attention_params *")] fovea_attention_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* q, [NativeTypeName("const fovea_tensor *")] fovea_tensor* k, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_attention_backward([NativeTypeName("const fovea_attention_params *")] fovea_attention_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* q, [NativeTypeName("const fovea_tensor *")] fovea_tensor* k, [NativeTypeName("const fovea_tensor *")] fovea_tensor* v, [NativeTypeName("const fovea_tensor *")] fovea_tensor* key_lengths, [NativeTypeName("const fovea_tensor *")] fovea_tensor* o, [NativeTypeName("const fovea_tensor *")] fovea_tensor* lse, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_o, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dq, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dk, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dv, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_linear_attention_workspace([NativeTypeName("const fovea_linear_attention_params *")] fovea_linear_attention_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* q, [NativeTypeName("const fovea_tensor *")] fovea_tensor* v, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_linear_attention([NativeTypeName("const fovea_linear_attention_params *")] fovea_linear_attention_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* q, [NativeTypeName("const fovea_tensor *")] fovea_tensor* k, [NativeTypeName("const fovea_tensor *")] fovea_tensor* v, [NativeTypeName("const fovea_tensor *")] fovea_tensor* log_decay, [NativeTypeName("const fovea_tensor *")] fovea_tensor* state, [NativeTypeName("const fovea_tensor *")] fovea_tensor* o, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_selective_scan([NativeTypeName("const fovea_selective_scan_params *")] fovea_selective_scan_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* u, [NativeTypeName("const fovea_tensor *")] fovea_tensor* delta, [NativeTypeName("const fovea_tensor *")] fovea_tensor* A, [NativeTypeName("const fovea_tensor *")] fovea_tensor* Bm, [NativeTypeName("const fovea_tensor *")] fovea_tensor* C, [NativeTypeName("const fovea_tensor *")] fovea_tensor* skip, [NativeTypeName("const fovea_tensor *")] fovea_tensor* z, [NativeTypeName("const fovea_tensor *")] fovea_tensor* delta_bias, [NativeTypeName("const fovea_tensor *")] fovea_tensor* state, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_selective_scan_backward_workspace([NativeTypeName("const fovea_selective_scan_params *")] fovea_selective_scan_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* u, [NativeTypeName("const fovea_tensor *")] fovea_tensor* A, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_selective_scan_backward([NativeTypeName("const fovea_selective_scan_params *")] fovea_selective_scan_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* u, [NativeTypeName("const fovea_tensor *")] fovea_tensor* delta, [NativeTypeName("const fovea_tensor *")] fovea_tensor* A, [NativeTypeName("const fovea_tensor *")] fovea_tensor* Bm, [NativeTypeName("const fovea_tensor *")] fovea_tensor* C, [NativeTypeName("const fovea_tensor *")] fovea_tensor* skip, [NativeTypeName("const fovea_tensor *")] fovea_tensor* z, [NativeTypeName("const fovea_tensor *")] fovea_tensor* delta_bias, [NativeTypeName("const fovea_tensor *")] fovea_tensor* initial_state, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_final_state, [NativeTypeName("const fovea_selective_scan_gradients *")] fovea_selective_scan_gradients* gradients, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_causal_conv1d([NativeTypeName("const fovea_activation_params *")] fovea_activation_params* activation, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* w, [NativeTypeName("const fovea_tensor *")] fovea_tensor* bias, [NativeTypeName("const fovea_tensor *")] fovea_tensor* state, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_diagonal_scan_workspace([NativeTypeName("const fovea_diagonal_scan_params *")] fovea_diagonal_scan_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_diagonal_scan([NativeTypeName("const fovea_diagonal_scan_params *")] fovea_diagonal_scan_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* a, [NativeTypeName("const fovea_tensor *")] fovea_tensor* state, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_exponential_kernel([NativeTypeName("const fovea_tensor *")] fovea_tensor* exponents, [NativeTypeName("const fovea_tensor *")] fovea_tensor* weights, [NativeTypeName("const fovea_tensor *")] fovea_tensor* k, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_long_conv1d_workspace([NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* kernel, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_long_conv1d([NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* kernel, [NativeTypeName("const fovea_tensor *")] fovea_tensor* skip, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_wkv([NativeTypeName("const fovea_tensor *")] fovea_tensor* decay, [NativeTypeName("const fovea_tensor *")] fovea_tensor* bonus, [NativeTypeName("const fovea_tensor *")] fovea_tensor* k, [NativeTypeName("const fovea_tensor *")] fovea_tensor* v, [NativeTypeName("const fovea_tensor *")] fovea_tensor* state, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_gated_linear_attention([NativeTypeName("const fovea_gated_linear_attention_inputs *")] fovea_gated_linear_attention_inputs* inputs, [NativeTypeName("const fovea_tensor *")] fovea_tensor* state, [NativeTypeName("const fovea_tensor *")] fovea_tensor* o, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_recurrent_prepared_bytes(fovea_device* device, [NativeTypeName("const fovea_recurrent_params *")] fovea_recurrent_params* @params, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_recurrent_prepare([NativeTypeName("const fovea_recurrent_params *")] fovea_recurrent_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* weights, [NativeTypeName("const fovea_tensor *")] fovea_tensor* recurrent, [NativeTypeName("const fovea_tensor *")] fovea_tensor* bias, [NativeTypeName("const fovea_tensor *")] fovea_tensor* recurrent_bias, [NativeTypeName("const fovea_tensor *")] fovea_tensor* prepared, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_recurrent_workspace([NativeTypeName("const fovea_recurrent_params *")] fovea_recurrent_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_recurrent([NativeTypeName("const fovea_recurrent_params *")] fovea_recurrent_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* prepared, [NativeTypeName("const fovea_tensor *")] fovea_tensor* lengths, [NativeTypeName("const fovea_tensor *")] fovea_tensor* h, [NativeTypeName("const fovea_tensor *")] fovea_tensor* c, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_activate_backward_workspace([NativeTypeName("const fovea_activation_params *")] fovea_activation_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_activate_backward([NativeTypeName("const fovea_activation_params *")] fovea_activation_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* slope, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_slope, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_unary_backward([NativeTypeName("const fovea_unary_params *")] fovea_unary_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_binary_backward([NativeTypeName("int32_t")] int op, [NativeTypeName("const fovea_tensor *")] fovea_tensor* a, [NativeTypeName("const fovea_tensor *")] fovea_tensor* b, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* da, [NativeTypeName("const fovea_tensor *")] fovea_tensor* db, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_reduce_backward([NativeTypeName("const fovea_reduce_params *")] fovea_reduce_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_softmax_backward([NativeTypeName("const fovea_softmax_params *")] fovea_softmax_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_dropout([NativeTypeName("const fovea_dropout_params *")] fovea_dropout_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* state, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_cross_entropy([NativeTypeName("const fovea_cross_entropy_params *")] fovea_cross_entropy_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* logits, [NativeTypeName("const fovea_tensor *")] fovea_tensor* targets, [NativeTypeName("const fovea_tensor *")] fovea_tensor* class_weights, [NativeTypeName("const fovea_tensor *")] fovea_tensor* losses, [NativeTypeName("const fovea_tensor *")] fovea_tensor* weights, [NativeTypeName("const fovea_tensor *")] fovea_tensor* log_sum_exp, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_cross_entropy_backward([NativeTypeName("const fovea_cross_entropy_params *")] fovea_cross_entropy_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* logits, [NativeTypeName("const fovea_tensor *")] fovea_tensor* targets, [NativeTypeName("const fovea_tensor *")] fovea_tensor* class_weights, [NativeTypeName("const fovea_tensor *")] fovea_tensor* log_sum_exp, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_losses, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_logits, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_pointwise_loss([NativeTypeName("const fovea_pointwise_loss_params *")] fovea_pointwise_loss_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* target, [NativeTypeName("const fovea_tensor *")] fovea_tensor* losses, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_pointwise_loss_backward([NativeTypeName("const fovea_pointwise_loss_params *")] fovea_pointwise_loss_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* target, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_losses, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_box_loss([NativeTypeName("const fovea_box_loss_params *")] fovea_box_loss_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* boxes, [NativeTypeName("const fovea_tensor *")] fovea_tensor* targets, [NativeTypeName("const fovea_tensor *")] fovea_tensor* losses, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_box_loss_backward([NativeTypeName("const fovea_box_loss_params *")] fovea_box_loss_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* boxes, [NativeTypeName("const fovea_tensor *")] fovea_tensor* targets, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_losses, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_boxes, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_layer_norm_backward_workspace([NativeTypeName("const fovea_norm_params *")] fovea_norm_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_layer_norm_backward([NativeTypeName("const fovea_norm_params *")] fovea_norm_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* gamma, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dgamma, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dbeta, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_group_norm_backward_workspace([NativeTypeName("const fovea_norm_params *")] fovea_norm_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_group_norm_backward([NativeTypeName("const fovea_norm_params *")] fovea_norm_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* gamma, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dgamma, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dbeta, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_batch_norm_backward_workspace([NativeTypeName("const fovea_batch_norm_params *")] fovea_batch_norm_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_batch_norm_backward([NativeTypeName("const fovea_batch_norm_params *")] fovea_batch_norm_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* gamma, [NativeTypeName("const fovea_tensor *")] fovea_tensor* mean, [NativeTypeName("const fovea_tensor *")] fovea_tensor* rstd, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dgamma, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dbeta, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_pool2d_backward([NativeTypeName("const fovea_pool2d_params *")] fovea_pool2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_adaptive_pool2d_backward([NativeTypeName("int32_t")] int mode, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_resize_backward_workspace([NativeTypeName("const fovea_resize_params *")] fovea_resize_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_resize_backward([NativeTypeName("const fovea_resize_params *")] fovea_resize_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_causal_conv1d_backward_workspace([NativeTypeName("const fovea_activation_params *")] fovea_activation_params* activation, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* w, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_causal_conv1d_backward([NativeTypeName("const fovea_activation_params *")] fovea_activation_params* activation, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* w, [NativeTypeName("const fovea_tensor *")] fovea_tensor* bias, [NativeTypeName("const fovea_tensor *")] fovea_tensor* state, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_final_state, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dw, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dbias, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_state, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_linear_attention_backward_workspace([NativeTypeName("const fovea_linear_attention_params *")] fovea_linear_attention_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* q, [NativeTypeName("const fovea_tensor *")] fovea_tensor* v, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_linear_attention_backward([NativeTypeName("const fovea_linear_attention_params *")] fovea_linear_attention_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* q, [NativeTypeName("const fovea_tensor *")] fovea_tensor* k, [NativeTypeName("const fovea_tensor *")] fovea_tensor* v, [NativeTypeName("const fovea_tensor *")] fovea_tensor* log_decay, [NativeTypeName("const fovea_tensor *")] fovea_tensor* initial_state, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_o, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_final_state, [NativeTypeName("const fovea_linear_attention_gradients *")] fovea_linear_attention_gradients* gradients, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_recurrent_backward_workspace([NativeTypeName("const fovea_recurrent_params *")] fovea_recurrent_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_recurrent_backward([NativeTypeName("const fovea_recurrent_params *")] fovea_recurrent_params* @params, [NativeTypeName("const fovea_recurrent_inputs *")] fovea_recurrent_inputs* inputs, [NativeTypeName("const fovea_recurrent_gradients *")] fovea_recurrent_gradients* gradients, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_diagonal_scan_backward_workspace([NativeTypeName("const fovea_diagonal_scan_params *")] fovea_diagonal_scan_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_diagonal_scan_backward([NativeTypeName("const fovea_diagonal_scan_params *")] fovea_diagonal_scan_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* a, [NativeTypeName("const fovea_tensor *")] fovea_tensor* initial_state, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_final_state, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, [NativeTypeName("const fovea_tensor *")] fovea_tensor* da, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_initial_state, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_exponential_kernel_backward([NativeTypeName("const fovea_tensor *")] fovea_tensor* exponents, [NativeTypeName("const fovea_tensor *")] fovea_tensor* weights, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dk, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_exponents, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_weights, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_long_conv1d_backward_workspace([NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* kernel, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_long_conv1d_backward([NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* kernel, [NativeTypeName("const fovea_tensor *")] fovea_tensor* skip, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_kernel, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_skip, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_wkv_backward_workspace([NativeTypeName("const fovea_tensor *")] fovea_tensor* k, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_wkv_backward([NativeTypeName("const fovea_tensor *")] fovea_tensor* decay, [NativeTypeName("const fovea_tensor *")] fovea_tensor* bonus, [NativeTypeName("const fovea_tensor *")] fovea_tensor* k, [NativeTypeName("const fovea_tensor *")] fovea_tensor* v, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_decay, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_bonus, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dk, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dv, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_gated_linear_attention_backward_workspace([NativeTypeName("const fovea_tensor *")] fovea_tensor* q, [NativeTypeName("const fovea_tensor *")] fovea_tensor* v, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_gated_linear_attention_backward([NativeTypeName("const fovea_gated_linear_attention_inputs *")] fovea_gated_linear_attention_inputs* inputs, [NativeTypeName("const fovea_tensor *")] fovea_tensor* d_o, [NativeTypeName("const fovea_gated_linear_attention_gradients *")] fovea_gated_linear_attention_gradients* gradients, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_resize_workspace([NativeTypeName("const fovea_resize_params *")] fovea_resize_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_resize([NativeTypeName("const fovea_resize_params *")] fovea_resize_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_letterbox_workspace([NativeTypeName("const fovea_letterbox_params *")] fovea_letterbox_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_letterbox([NativeTypeName("const fovea_letterbox_params *")] fovea_letterbox_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_crop_resize([NativeTypeName("const fovea_crop_resize_params *")] fovea_crop_resize_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* boxes, [NativeTypeName("const fovea_tensor *")] fovea_tensor* batch_index, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_grid_proposals_workspace([NativeTypeName("const fovea_grid_proposals_params *")] fovea_grid_proposals_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* score, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_grid_proposals([NativeTypeName("const fovea_grid_proposals_params *")] fovea_grid_proposals_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* score, [NativeTypeName("const fovea_tensor *")] fovea_tensor* deltas, [NativeTypeName("const fovea_tensor *")] fovea_tensor* rows, [NativeTypeName("const fovea_tensor *")] fovea_tensor* count, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_box_deltas([NativeTypeName("const fovea_box_deltas_params *")] fovea_box_deltas_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* boxes, [NativeTypeName("const fovea_tensor *")] fovea_tensor* deltas, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_box_square([NativeTypeName("int32_t")] int rounding, [NativeTypeName("const fovea_tensor *")] fovea_tensor* boxes, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_box_points([NativeTypeName("const fovea_box_points_params *")] fovea_box_points_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* boxes, [NativeTypeName("const fovea_tensor *")] fovea_tensor* points, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_roi_align([NativeTypeName("const fovea_roi_align_params *")] fovea_roi_align_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* boxes, [NativeTypeName("const fovea_tensor *")] fovea_tensor* images, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_roi_align_backward_workspace([NativeTypeName("const fovea_roi_align_params *")] fovea_roi_align_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_roi_align_backward([NativeTypeName("const fovea_roi_align_params *")] fovea_roi_align_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* boxes, [NativeTypeName("const fovea_tensor *")] fovea_tensor* images, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_deform_conv2d_workspace([NativeTypeName("const fovea_deform_conv2d_params *")] fovea_deform_conv2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_deform_conv2d([NativeTypeName("const fovea_deform_conv2d_params *")] fovea_deform_conv2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* offsets, [NativeTypeName("const fovea_tensor *")] fovea_tensor* mask, [NativeTypeName("const fovea_tensor *")] fovea_tensor* weights, [NativeTypeName("const fovea_tensor *")] fovea_tensor* bias, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_deform_conv2d_backward_workspace([NativeTypeName("const fovea_deform_conv2d_params *")] fovea_deform_conv2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_deform_conv2d_backward([NativeTypeName("const fovea_deform_conv2d_params *")] fovea_deform_conv2d_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* offsets, [NativeTypeName("const fovea_tensor *")] fovea_tensor* mask, [NativeTypeName("const fovea_tensor *")] fovea_tensor* weights, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_deform_conv2d_gradients *")] fovea_deform_conv2d_gradients* gradients, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_corner_pool([NativeTypeName("int32_t")] int corner, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_corner_pool_backward([NativeTypeName("int32_t")] int corner, [NativeTypeName("const fovea_tensor *")] fovea_tensor* x, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dy, [NativeTypeName("const fovea_tensor *")] fovea_tensor* dx, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_box_overlaps([NativeTypeName("int32_t")] int overlap, [NativeTypeName("int32_t")] int plus_one, [NativeTypeName("const fovea_tensor *")] fovea_tensor* a, [NativeTypeName("const fovea_tensor *")] fovea_tensor* b, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_rotated_overlaps([NativeTypeName("const fovea_tensor *")] fovea_tensor* a, [NativeTypeName("const fovea_tensor *")] fovea_tensor* b, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_nms_workspace([NativeTypeName("const fovea_nms_params *")] fovea_nms_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* boxes, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_nms([NativeTypeName("const fovea_nms_params *")] fovea_nms_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* boxes, [NativeTypeName("const fovea_tensor *")] fovea_tensor* scores, [NativeTypeName("const fovea_tensor *")] fovea_tensor* classes, [NativeTypeName("const fovea_tensor *")] fovea_tensor* valid, [NativeTypeName("const fovea_tensor *")] fovea_tensor* keep, [NativeTypeName("const fovea_tensor *")] fovea_tensor* count, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_soft_nms_workspace([NativeTypeName("const fovea_soft_nms_params *")] fovea_soft_nms_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* boxes, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_soft_nms([NativeTypeName("const fovea_soft_nms_params *")] fovea_soft_nms_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* boxes, [NativeTypeName("const fovea_tensor *")] fovea_tensor* scores, [NativeTypeName("const fovea_tensor *")] fovea_tensor* classes, [NativeTypeName("const fovea_tensor *")] fovea_tensor* valid, [NativeTypeName("const fovea_tensor *")] fovea_tensor* keep, [NativeTypeName("const fovea_tensor *")] fovea_tensor* keep_scores, [NativeTypeName("const fovea_tensor *")] fovea_tensor* count, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_weighted_nms_workspace([NativeTypeName("const fovea_weighted_nms_params *")] fovea_weighted_nms_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* rows, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_weighted_nms([NativeTypeName("const fovea_weighted_nms_params *")] fovea_weighted_nms_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* rows, [NativeTypeName("const fovea_tensor *")] fovea_tensor* scores, [NativeTypeName("const fovea_tensor *")] fovea_tensor* classes, [NativeTypeName("const fovea_tensor *")] fovea_tensor* valid, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y_scores, [NativeTypeName("const fovea_tensor *")] fovea_tensor* y_classes, [NativeTypeName("const fovea_tensor *")] fovea_tensor* count, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_guided_nms_workspace([NativeTypeName("const fovea_soft_nms_params *")] fovea_soft_nms_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* boxes, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_guided_nms([NativeTypeName("const fovea_soft_nms_params *")] fovea_soft_nms_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* boxes, [NativeTypeName("const fovea_tensor *")] fovea_tensor* scores, [NativeTypeName("const fovea_tensor *")] fovea_tensor* localisation, [NativeTypeName("const fovea_tensor *")] fovea_tensor* classes, [NativeTypeName("const fovea_tensor *")] fovea_tensor* valid, [NativeTypeName("const fovea_tensor *")] fovea_tensor* keep, [NativeTypeName("const fovea_tensor *")] fovea_tensor* keep_scores, [NativeTypeName("const fovea_tensor *")] fovea_tensor* count, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_decode_boxes_workspace([NativeTypeName("const fovea_decode_params *")] fovea_decode_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* scores, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_decode_boxes([NativeTypeName("const fovea_decode_params *")] fovea_decode_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* scores, [NativeTypeName("const fovea_tensor *")] fovea_tensor* objectness, [NativeTypeName("const fovea_tensor *")] fovea_tensor* regression, [NativeTypeName("const fovea_tensor *")] fovea_tensor* anchors, [NativeTypeName("const fovea_tensor *")] fovea_tensor* rows, [NativeTypeName("const fovea_tensor *")] fovea_tensor* count, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_detect_boxes_workspace([NativeTypeName("const fovea_decode_params *")] fovea_decode_params* decode, [NativeTypeName("const fovea_nms_params *")] fovea_nms_params* nms, [NativeTypeName("const fovea_tensor *")] fovea_tensor* scores, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_detect_boxes([NativeTypeName("const fovea_decode_params *")] fovea_decode_params* decode, [NativeTypeName("const fovea_nms_params *")] fovea_nms_params* nms, [NativeTypeName("const fovea_tensor *")] fovea_tensor* scores, [NativeTypeName("const fovea_tensor *")] fovea_tensor* objectness, [NativeTypeName("const fovea_tensor *")] fovea_tensor* regression, [NativeTypeName("const fovea_tensor *")] fovea_tensor* anchors, [NativeTypeName("const fovea_tensor *")] fovea_tensor* detections, [NativeTypeName("const fovea_tensor *")] fovea_tensor* count, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_peak_boxes_workspace([NativeTypeName("const fovea_peak_params *")] fovea_peak_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* heat, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_peak_boxes([NativeTypeName("const fovea_peak_params *")] fovea_peak_params* @params, [NativeTypeName("const fovea_tensor *")] fovea_tensor* heat, [NativeTypeName("const fovea_tensor *")] fovea_tensor* size, [NativeTypeName("const fovea_tensor *")] fovea_tensor* offset, [NativeTypeName("const fovea_tensor *")] fovea_tensor* rows, [NativeTypeName("const fovea_tensor *")] fovea_tensor* count, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_linear_assignment_workspace([NativeTypeName("const fovea_tensor *")] fovea_tensor* costs, [NativeTypeName("int64_t *")] long* bytes);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_linear_assignment([NativeTypeName("const fovea_tensor *")] fovea_tensor* costs, [NativeTypeName("const fovea_tensor *")] fovea_tensor* counts, [NativeTypeName("const fovea_tensor *")] fovea_tensor* rows, [NativeTypeName("const fovea_tensor *")] fovea_tensor* columns, [NativeTypeName("const fovea_tensor *")] fovea_tensor* totals, [NativeTypeName("const fovea_workspace *")] fovea_workspace* workspace, fovea_stream* stream);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_hash_buckets([NativeTypeName("const uint8_t *")] byte* bytes, [NativeTypeName("int64_t")] long byte_count, [NativeTypeName("const int64_t *")] long* offsets, [NativeTypeName("int64_t")] long count, [NativeTypeName("int64_t")] long buckets, [NativeTypeName("int64_t *")] long* ids);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_hash_integers([NativeTypeName("const int64_t *")] long* values, [NativeTypeName("int64_t")] long count, [NativeTypeName("int64_t")] long buckets, [NativeTypeName("int64_t *")] long* ids);

    [DllImport("fovea", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern fovea_status fovea_cross_hashed([NativeTypeName("const fovea_cross_column *")] fovea_cross_column* columns, [NativeTypeName("int64_t")] long column_count, [NativeTypeName("int64_t")] long rows, [NativeTypeName("uint64_t")] ulong key, [NativeTypeName("int64_t")] long buckets, [NativeTypeName("const int64_t *")] long* row_splits, [NativeTypeName("int64_t *")] long* ids);

    [NativeTypeName("#define FOVEA_ABI_VERSION 6")]
    public const int FOVEA_ABI_VERSION = 6;

    [NativeTypeName("#define FOVEA_MAX_RANK 8")]
    public const int FOVEA_MAX_RANK = 8;
}
