// What the emulator says of a failure: kernel, thread and source line.
#include <dlfcn.h>

#include <cstdarg>

#include "internal.h"

namespace fovea::emulator {

static std::mutex report_mutex;
static std::string last;

const char* last_report() { return last.c_str(); }
void report(const std::string& s) {
  std::lock_guard<std::mutex> guard(report_mutex);
  if (last.empty()) last = s;  // what follows is mostly a consequence
  if (!getenv("FOVEA_EMULATOR_QUIET")) fprintf(stderr, "[emulator] %s\n", s.c_str());
}
void clear_report() { last.clear(); }

// The program or library that this code is part of.
static Dl_info image() {
  Dl_info i{};
  dladdr(reinterpret_cast<void*>(&image_base), &i);
  return i;
}
char* image_base() {
  static char* const base = static_cast<char*>(image().dli_fbase);
  return base;
}

// "void fovea::(anonymous namespace)::sum_kernel<float>(float*)" is sum_kernel<float>.
static std::string short_name(std::string s) {
  constexpr const char anonymous[] = "(anonymous namespace)";
  for (size_t at; (at = s.find(anonymous)) != s.npos;) s.replace(at, sizeof anonymous - 1, "_");
  s.erase(std::min(s.find_first_of("(\n"), s.size()));
  const size_t arguments = s.find('<'), scope = s.rfind("::", arguments), result = s.rfind(' ', arguments);
  return s.substr(scope != s.npos ? scope + 2 : result != s.npos ? result + 1 : 0);
}

// Of inlined frames the first that is not a wrapper or the emulator's own header.
std::string symbol(const void* code, bool function) {
  char command[4200], name[2048], at[2048];
  snprintf(command, sizeof command, "addr2line -fiCe '%s' 0x%zx", image().dli_fname,
           size_t(static_cast<const char*>(code) - image_base()));
  std::string s = "?";
  FILE* out = popen(command, "r");
  while (out && fgets(name, sizeof name, out) && fgets(at, sizeof at, out)) {
    s = function ? name : at;
    if (function) break;
    s.erase(s.find_first_of(" \n"));
    if (s.rfind('/') != s.npos) s.erase(0, s.rfind('/') + 1);
    if (!strstr(at, "/native/cuda/") && !strstr(at, "/emulator/include/")) break;
  }
  if (out) pclose(out);
  return function ? short_name(s) : s;
}

std::string describe_fiber(const Fiber& f) {
  char s[128];
  const uint3 b = f.block->idx, t = f.tid;
  snprintf(s, sizeof s, "block (%u,%u,%u) thread (%u,%u,%u)", b.x, b.y, b.z, t.x, t.y, t.z);
  return s;
}

void fail(const char* format, ...) {
  char text[8192];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (!on_device()) {  // device code called by the host: there is no launch to abandon
    report(text);
    abort();
  }
  Gang& g = *worker.gang;
  report("kernel " + kernel_name(g.launch->fn) + ", seed " + std::to_string(g.seed) + ", " + describe_fiber(self()) + ": " +
         text);
  g.failed = true;
  resume(worker.main);  // never comes back: the launch is abandoned, no destructor of this thread runs
  abort();
}

}  // namespace fovea::emulator
