/* The entry function reports a failure. */
#include "fovea/plugin.h"

static void (*find(const char* name))(void) {
  (void)name;
  return NULL;
}

__attribute__((visibility("default"))) fovea_status fovea_plugin_main(const fovea_host* host, const fovea_plugin** result) {
  static const fovea_plugin plugin = {FOVEA_ABI_VERSION, FOVEA_CUDA, "failing", 1, 0, NULL, find};
  (void)host;
  *result = &plugin;
  return FOVEA_INTERNAL;
}
