// Devices and the backends they come from: the CPU, built in, and plug-ins loaded by path. A plug-in that cannot be used stays
// in the list with its reason, so that `fovea doctor` can print it.
#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <string>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {
namespace {

struct Backend {
  std::string name, origin, reason;
  int32_t device_count = 0;
  int32_t abi_version = 0;
  const fovea_plugin* plugin = nullptr;
};

struct Registry {
  std::mutex mutex;
  std::deque<Backend> backends;  // a deque keeps the strings handed out in place
};

Registry& registry() {
  static Registry* instance = [] {
    auto* r = new Registry;
    r->backends.push_back({"cpu", "built in", "", 1, FOVEA_ABI_VERSION, nullptr});
    return r;
  }();
  return *instance;
}

fovea_device cpu_device{nullptr, FOVEA_CPU, 0};

// By fovea_device_type, for calls that carry no handle.
constexpr int32_t kDeviceTypes = 16;
std::atomic<const fovea_plugin*> plugins[kDeviceTypes];

fovea_status store_message(fovea_status status, const char* message) { return fail(status, "%s", message); }
constexpr fovea_host host{FOVEA_ABI_VERSION, 0, store_message};

// The same file may be named through links and relative paths. A path that leads nowhere stays as it is.
std::string canonical(const char* path) {
  char* resolved = realpath(path, nullptr);
  const std::string result = resolved == nullptr ? path : resolved;
  std::free(resolved);
  return result;
}

// Asks the loaded library for its table and fills `b`. Returns why it cannot be used beside `others`, or nothing.
std::string accept(Backend& b, void* library, const std::deque<Backend>& others) {
  const auto entry = reinterpret_cast<fovea_plugin_entry>(dlsym(library, "fovea_plugin_main"));
  if (entry == nullptr) return "it exports no fovea_plugin_main, so it is not a Fovea plug-in";
  const fovea_plugin* plugin = nullptr;
  if (entry(&host, &plugin) != FOVEA_OK || plugin == nullptr) return "its fovea_plugin_main failed";
  b.abi_version = plugin->abi_version;  // of a foreign table nothing but this first field may be read
  if (b.abi_version != FOVEA_ABI_VERSION)
    return "it was built for ABI version " + std::to_string(b.abi_version) + ", this library has " +
           std::to_string(FOVEA_ABI_VERSION);
  if (plugin->name == nullptr || plugin->function == nullptr) return "its plug-in table has no name or no functions";
  b.name = plugin->name;
  for (const Backend& other : others)
    if (other.reason.empty() && other.name == b.name)
      return "a backend named '" + b.name + "' is already in use: " + other.origin;
  if (plugin->device_type <= FOVEA_CPU || plugin->device_type >= kDeviceTypes)
    return "its devices are of the unknown type " + std::to_string(plugin->device_type);
  for (const Backend& other : others)
    if (other.plugin != nullptr && other.plugin->device_type == plugin->device_type)
      return "the backend '" + other.name + "' already has devices of its type " + std::to_string(plugin->device_type);
  if (plugin->device_count <= 0) return plugin->reason != nullptr ? plugin->reason : "it found no device";
  b.device_count = plugin->device_count;
  b.plugin = plugin;
  plugins[plugin->device_type].store(plugin, std::memory_order_release);
  return {};
}

// Fills `b` from the library at b.origin; b.reason stays empty when the plug-in is usable.
void open_plugin(Backend& b, const std::deque<Backend>& others) {
  void* library = dlopen(b.origin.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = dlerror();
    b.reason = why != nullptr ? why : "dlopen failed without a message";
    return;
  }
  b.reason = accept(b, library, others);
  // A usable plug-in stays loaded for the life of the process: handles point into it.
  if (!b.reason.empty()) dlclose(library);
}

void processor_name(char* out, size_t size) {
  std::snprintf(out, size, "CPU");
  std::FILE* file = std::fopen("/proc/cpuinfo", "r");
  if (file == nullptr) return;
  char line[256];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, "model name", 10) != 0) continue;
    const char* value = std::strchr(line, ':');
    if (value == nullptr) break;
    value += std::strspn(value, ": \t");
    std::snprintf(out, size, "%.*s", static_cast<int>(std::strcspn(value, "\n")), value);
    break;
  }
  std::fclose(file);
}

}  // namespace

const fovea_plugin* plugin_of(int32_t device_type) noexcept {
  return device_type > FOVEA_CPU && device_type < kDeviceTypes ? plugins[device_type].load(std::memory_order_acquire) : nullptr;
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_backend_load(const char* path) {
  FOVEA_CHECK(path != nullptr && path[0] != '\0', "backend_load: path is empty");
  return guarded([&] {
    Registry& r = registry();
    const std::lock_guard lock(r.mutex);
    Backend b;
    b.origin = canonical(path);
    b.name = b.origin;
    for (const Backend& known : r.backends)
      if (known.plugin != nullptr && known.origin == b.origin) return FOVEA_OK;
    open_plugin(b, r.backends);
    bool news = true;  // retrying a refused file must not make the list longer each time
    for (const Backend& known : r.backends) news = news && (known.origin != b.origin || known.reason != b.reason);
    if (news) r.backends.push_back(b);
    if (!b.reason.empty()) return fail(FOVEA_NOT_FOUND, "backend_load: %s refused: %s", b.origin.c_str(), b.reason.c_str());
    return FOVEA_OK;
  });
}

extern "C" fovea_status fovea_backend_count(int32_t* count) {
  FOVEA_CHECK(count != nullptr, "backend_count: result pointer is NULL");
  return guarded([&] {
    Registry& r = registry();
    const std::lock_guard lock(r.mutex);
    *count = static_cast<int32_t>(r.backends.size());
    return FOVEA_OK;
  });
}

extern "C" fovea_status fovea_backend_get(int32_t index, fovea_backend_info* info) {
  FOVEA_CHECK(info != nullptr, "backend_get: result pointer is NULL");
  return guarded([&] {
    Registry& r = registry();
    const std::lock_guard lock(r.mutex);
    FOVEA_CHECK(index >= 0 && index < static_cast<int32_t>(r.backends.size()), "backend_get: there is no backend %d", index);
    const Backend& b = r.backends[static_cast<size_t>(index)];
    *info = {b.name.c_str(), b.origin.c_str(), b.reason.empty() ? nullptr : b.reason.c_str(), b.device_count, b.abi_version};
    return FOVEA_OK;
  });
}

extern "C" fovea_status fovea_device_open(const char* name, fovea_device** device) {
  FOVEA_CHECK(name != nullptr && device != nullptr, "device_open: name or result pointer is NULL");
  return guarded([&] {
    if (std::strcmp(name, "cpu") == 0 || std::strcmp(name, "cpu:0") == 0) {
      *device = &cpu_device;
      return FOVEA_OK;
    }
    const char* colon = std::strchr(name, ':');
    const std::string wanted(name, colon == nullptr ? std::strlen(name) : static_cast<size_t>(colon - name));
    Registry& r = registry();
    const fovea_plugin* plugin = nullptr;
    std::string refusals;
    {
      const std::lock_guard lock(r.mutex);
      for (const Backend& b : r.backends) {
        if (b.plugin != nullptr && b.name == wanted) plugin = b.plugin;
        if (!b.reason.empty()) refusals += "; " + b.origin + ": " + b.reason;
      }
    }
    if (plugin == nullptr) return fail(FOVEA_NOT_FOUND, "device_open: no backend offers '%s'%s", name, refusals.c_str());
    if (auto* open = plugin_function<&fovea_device_open>(plugin, "fovea_device_open")) return open(name, device);
    return fail(FOVEA_UNSUPPORTED, "backend %s has no fovea_device_open", plugin->name);
  });
}

extern "C" fovea_status fovea_device_describe(const fovea_device* device, fovea_device_info* info) {
  FOVEA_CHECK(device != nullptr && info != nullptr, "device_describe: device or result pointer is NULL");
  FOVEA_FORWARD(device, fovea_device_describe, device, info);
  *info = {};
  info->type = device->type;
  info->id = device->id;
  processor_name(info->name, sizeof info->name);
  constexpr const char* names[] = {"reference loops", "scalar", "AVX2 + FMA", "AVX-512"};
  std::snprintf(info->detail, sizeof info->detail, "%s", names[active_isa()]);
  info->memory_bytes = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  info->compute_units = static_cast<int32_t>(sysconf(_SC_NPROCESSORS_ONLN));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_device_check(fovea_device* device) {
  FOVEA_CHECK(device != nullptr, "device_check: device is NULL");
  FOVEA_FORWARD(device, fovea_device_check, device);
  return FOVEA_OK;
}
