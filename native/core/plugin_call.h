// Forwarding a call of the ABI to the plug-in that made the handle.
#pragma once

#include "core/status.h"
#include "fovea/plugin.h"

namespace fovea {

template <class Function>
Function* plugin_function(const fovea_plugin* plugin, Function*, const char* name) {
  return reinterpret_cast<Function*>(plugin->function(name));
}

}  // namespace fovea

// In an ABI function: hands the call over when `handle` (device, stream, event or graph) belongs to a plug-in.
#define FOVEA_FORWARD(handle, entry, ...)                                                                               \
  do {                                                                                                                  \
    if (const fovea_plugin* fovea_owner = (handle)->plugin; fovea_owner != nullptr) {                                   \
      if (auto* fovea_target = ::fovea::plugin_function(fovea_owner, &entry, #entry)) return fovea_target(__VA_ARGS__); \
      return ::fovea::fail(FOVEA_UNSUPPORTED, "backend %s has no %s", fovea_owner->name, #entry);                       \
    }                                                                                                                   \
  } while (0)
