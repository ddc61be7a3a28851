// What the handles of every backend start with, see fovea/plugin.h: enough to validate a call before it is forwarded.
#pragma once

#include "fovea/plugin.h"

struct fovea_device {
  const fovea_plugin* plugin;  // NULL for the built-in CPU backend
  int32_t type;
  int32_t id;
};

namespace fovea {

struct StreamHead {
  const fovea_plugin* plugin;
  const fovea_device* device;
};

inline const fovea_device& device_of(const fovea_stream* stream) {
  return *reinterpret_cast<const StreamHead*>(stream)->device;
}

}  // namespace fovea
