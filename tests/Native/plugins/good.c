/* A usable backend "fake" with one device of a type that no real backend has. Its handles hold no more than they must, so
 * reading past that is an error that AddressSanitizer sees. It has no memory, no graphs and no event_record. */
#include <stdlib.h>
#include <string.h>

#include "fovea/nn.h"
#include "fovea/plugin.h"

typedef void (*function)(void);
typedef struct handle {
  const fovea_plugin* plugin;
} handle;
typedef struct device_handle {
  const fovea_plugin* plugin;
  int32_t type, id;
} device_handle;
typedef struct stream_handle {
  const fovea_plugin* plugin;
  device_handle* device;
} stream_handle;
enum { FAKE_TYPE = 10 };

static function find(const char* name);
static const fovea_plugin plugin = {FOVEA_ABI_VERSION, FAKE_TYPE, "fake", 1, 0, NULL, find};
static device_handle device = {&plugin, FAKE_TYPE, 0};

static handle* make(void) {
  handle* h = malloc(sizeof *h);
  if (h != NULL) h->plugin = &plugin;
  return h;
}

static fovea_status device_open(const char* name, fovea_device** result) {
  if (strcmp(name, "fake:0") != 0) return FOVEA_NOT_FOUND;
  *result = (fovea_device*)&device;
  return FOVEA_OK;
}

static fovea_status stream_create(fovea_device* owner, const fovea_stream_options* options, fovea_stream** stream) {
  (void)options;
  if (owner != (fovea_device*)&device) return FOVEA_INTERNAL;
  stream_handle* h = malloc(sizeof *h);
  if (h != NULL) *h = (stream_handle){&plugin, &device};
  *stream = (fovea_stream*)h;
  return h == NULL ? FOVEA_OUT_OF_MEMORY : FOVEA_OK;
}

static fovea_status stream_destroy(fovea_stream* stream) {
  free(stream);
  return FOVEA_OK;
}

static fovea_status event_create(fovea_device* owner, fovea_event** event) {
  (void)owner;
  *event = (fovea_event*)make();
  return *event == NULL ? FOVEA_OUT_OF_MEMORY : FOVEA_OK;
}

static fovea_status event_destroy(fovea_event* event) {
  free(event);
  return FOVEA_OK;
}

/* Proof of arrival: the arguments come through untouched. */
static fovea_status activate(const fovea_activation_params* params, const fovea_tensor* x, const fovea_tensor* slope,
                             const fovea_tensor* y, fovea_stream* stream) {
  (void)slope;
  if (stream == NULL || x == NULL) return FOVEA_INTERNAL;
  *(int32_t*)y->data = params->kind;
  return FOVEA_OK;
}

static function find(const char* name) {
  if (strcmp(name, "fovea_device_open") == 0) return (function)device_open;
  if (strcmp(name, "fovea_stream_create") == 0) return (function)stream_create;
  if (strcmp(name, "fovea_stream_destroy") == 0) return (function)stream_destroy;
  if (strcmp(name, "fovea_event_create") == 0) return (function)event_create;
  if (strcmp(name, "fovea_event_destroy") == 0) return (function)event_destroy;
  if (strcmp(name, "fovea_activate") == 0) return (function)activate;
  return NULL;
}

__attribute__((visibility("default"))) fovea_status fovea_plugin_main(const fovea_host* host, const fovea_plugin** result) {
  (void)host;
  *result = &plugin;
  return FOVEA_OK;
}
