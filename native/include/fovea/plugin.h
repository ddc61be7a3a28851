/* Fovea C ABI, part 7: what a backend plug-in exports. Applications do not need this header. */
#ifndef FOVEA_PLUGIN_H
#define FOVEA_PLUGIN_H

#include "device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A plug-in is a shared library that exports `fovea_plugin_main` (type fovea_plugin_entry). It implements the ABI's own
 * functions for its devices: `function("fovea_conv2d")` returns a function of exactly that signature, or NULL when there is
 * none. Every handle it creates (device, stream, event, graph) starts with a `const fovea_plugin*` that points at its table;
 * that is how the door knows whom to forward a call to. Arguments arrive unvalidated except for the handle. */
typedef struct fovea_plugin {
  int32_t abi_version; /* FOVEA_ABI_VERSION of the headers it was built with */
  int32_t device_type; /* fovea_device_type */
  const char* name;    /* device names are "<name>:<index>" */
  int32_t device_count;
  int32_t reserved;
  const char* reason; /* why device_count is 0, for example the driver's message; NULL otherwise */
  void (*(*function)(const char* name))(void);
} fovea_plugin;

typedef fovea_status (*fovea_plugin_entry)(const fovea_plugin** plugin);

#ifdef __cplusplus
}
#endif
#endif
