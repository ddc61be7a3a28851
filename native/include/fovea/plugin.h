/* Fovea C ABI, part 7: what a backend plug-in exports. Applications do not need this header. */
#ifndef FOVEA_PLUGIN_H
#define FOVEA_PLUGIN_H

#include "device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the door offers to a plug-in; valid for the life of the process. */
typedef struct fovea_host {
  int32_t abi_version; /* FOVEA_ABI_VERSION of the library that loads */
  int32_t reserved;
  /* Stores the sentence that fovea_last_error returns on this thread and gives `status` back. */
  fovea_status (*fail)(fovea_status status, const char* message);
} fovea_host;

/* A plug-in is a shared library that exports `fovea_plugin_main` (type fovea_plugin_entry). It implements the ABI's own
 * functions for its devices: `function("fovea_conv2d")` returns a function of exactly that signature, or NULL when there is
 * none. Every handle it creates (device, stream, event, graph) starts with a `const fovea_plugin*` that points at its table;
 * that is how the door knows whom to forward a call to. A stream continues with its `fovea_device*`, a device with two
 * int32_t: its fovea_device_type and its index.
 *
 * Arguments of kernels arrive validated: pointers, ranks, shapes, data types, device and overlap are right, and the tensors
 * that a call writes are not empty unless a dimension is 0 in a way the call documents. What depends on the backend is the
 * plug-in's to check: the size of the prepared weights and of the workspace. Arguments of the functions of device.h arrive
 * unvalidated except for the handle. */
typedef struct fovea_plugin {
  int32_t abi_version; /* FOVEA_ABI_VERSION of the headers it was built with */
  int32_t device_type; /* fovea_device_type */
  const char* name;    /* device names are "<name>:<index>" */
  int32_t device_count;
  int32_t reserved;
  const char* reason; /* why device_count is 0, for example the driver's message; NULL otherwise */
  void (*(*function)(const char* name))(void);
} fovea_plugin;

typedef fovea_status (*fovea_plugin_entry)(const fovea_host* host, const fovea_plugin** plugin);

#ifdef __cplusplus
}
#endif
#endif
