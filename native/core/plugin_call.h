// Forwarding a call of the ABI to the plug-in that made the handle, or that owns the tensor's device.
#pragma once

#include "core/status.h"
#include "fovea/plugin.h"

namespace fovea {

// The plug-in's function of the name of `entry`, NULL when there is none. Looking it up may take longer than an enqueue, and a
// plug-in's answer never changes, so each thread remembers the last one of each entry.
template <auto* entry>
auto plugin_function(const fovea_plugin* plugin, const char* name) {
  static thread_local const fovea_plugin* known = nullptr;
  static thread_local decltype(entry) function = nullptr;
  if (known != plugin) {
    function = reinterpret_cast<decltype(entry)>(plugin->function(name));
    known = plugin;
  }
  return function;
}

// The plug-in in use for a fovea_device_type, NULL when there is none. Plug-ins are never unloaded.
const fovea_plugin* plugin_of(int32_t device_type) noexcept;

}  // namespace fovea

#define FOVEA_CALL_PLUGIN(owner, entry, ...)                                                                    \
  do {                                                                                                          \
    if (auto* fovea_target = ::fovea::plugin_function<&entry>(owner, #entry)) return fovea_target(__VA_ARGS__); \
    return ::fovea::fail(FOVEA_UNSUPPORTED, "backend %s has no %s", (owner)->name, #entry);                     \
  } while (0)

// In an ABI function: hands the call over when `handle` (device, stream, event or graph) belongs to a plug-in. Kernels do so
// when everything that no backend could accept has been refused.
#define FOVEA_FORWARD(handle, entry, ...)                                           \
  do {                                                                              \
    if (const fovea_plugin* fovea_owner = (handle)->plugin; fovea_owner != nullptr) \
      FOVEA_CALL_PLUGIN(fovea_owner, entry, __VA_ARGS__);                           \
  } while (0)

// For calls without a handle, such as workspace sizes: the tensor says whose they are.
#define FOVEA_FORWARD_TENSOR(tensor, entry, ...)                                                         \
  do {                                                                                                   \
    if (const int32_t fovea_type = (tensor)->device_type; fovea_type != FOVEA_CPU) {                     \
      const fovea_plugin* fovea_owner = ::fovea::plugin_of(fovea_type);                                  \
      if (fovea_owner == nullptr)                                                                        \
        return ::fovea::fail(FOVEA_NOT_FOUND, #entry ": no backend has devices of type %d", fovea_type); \
      FOVEA_CALL_PLUGIN(fovea_owner, entry, __VA_ARGS__);                                                \
    }                                                                                                    \
  } while (0)
