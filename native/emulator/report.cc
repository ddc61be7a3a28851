// What the emulator says: failures with kernel, thread and line, and the deadlock picture.
#include <dlfcn.h>
#include <unistd.h>
#include <cstdarg>
#include "internal.h"

namespace fovea::emulator {
namespace {
std::mutex report_mutex;
std::string last;
}  // namespace
const char* last_report() { return last.c_str(); }
void report(const std::string& s) {
  std::lock_guard<std::mutex> g(report_mutex);
  if (last.empty()) last = s;
  if (!getenv("FOVEA_EMULATOR_QUIET")) fprintf(stderr, "[emulator] %s\n", s.c_str());
}
void clear_report() { last.clear(); }
char* image_base() {
  static char* b = [] {
    Dl_info i;
    dladdr((void*)&image_base, &i);
    return (char*)i.dli_fbase;
  }();
  return b;
}
std::string symbol(const void* code,
                   bool function) {  // addr2line; of inlined frames the first that is not the emulator's own header
  char cmd[4200], fn[2048], at[2048];
  Dl_info module{};
  dladdr((void*)&image_base, &module);
  snprintf(cmd, sizeof cmd, "addr2line -fiCe '%s' 0x%zx", module.dli_fname, size_t((char*)code - image_base()));
  std::string s = "?";
  if (FILE* f = popen(cmd, "r")) {
    while (fgets(fn, sizeof fn, f) && fgets(at, sizeof at, f)) {
      s = function ? fn : at;
      s.erase(s.find_first_of(function ? "(\n" : " \n", function && s[0] == '(' ? 1 : 0));
      if (!function && s.rfind('/') != s.npos) s.erase(0, s.rfind('/') + 1);
      if (function || (!strstr(at, "/native/cuda/") && !strstr(at, "/emulator/include/"))) break;
    }
    pclose(f);
  }
  return s.rfind("(anonymous namespace)::", 0) == 0 ? s.substr(23) : s;
}

const std::string& deadlock_report() {
  static thread_local std::string s;
  s = "deadlock: no thread can run";  // static: fail() never unwinds
  std::map<std::string, std::vector<const Fiber*>> groups;
  size_t done = 0;
  for (auto& b : w.gang->blocks)
    for (auto& f : b.fibers) {
      if (f.state == Fiber::Done) {
        done++;
        continue;
      }
      char at[300];
      snprintf(at, sizeof at, "block (%u,%u,%u) wait at %s, %s:%d", b.idx.x, b.idx.y, b.idx.z, f.what, f.file, f.line);
      groups[at].push_back(&f);
    }
  for (auto& g : groups) {
    s += "\n      " + std::to_string(g.second.size()) + " threads of " + g.first + ": threads";
    for (size_t i = 0; i < g.second.size();) {  // as ranges
      size_t j = i;
      while (j + 1 < g.second.size() && g.second[j + 1]->rank == g.second[j]->rank + 1) j++;
      s += " " + std::to_string(g.second[i]->rank) + (j > i ? "-" + std::to_string(g.second[j]->rank) : "");
      i = j + 1;
    }
  }
  return s += "\n      " + std::to_string(done) + " threads have exited";
}
std::string describe_fiber(const Fiber& f) {
  char s[128];
  snprintf(s, sizeof s, "block (%u,%u,%u) thread (%u,%u,%u)", f.blk->idx.x, f.blk->idx.y, f.blk->idx.z, f.tid.x, f.tid.y,
           f.tid.z);
  return s;
}
void fail(const char* fmt, ...) {
  char s[8192];
  va_list v;
  va_start(v, fmt);
  vsnprintf(s, sizeof s, fmt, v);
  va_end(v);
  if (!on_device()) {
    report(s);
    abort();
  }
  Gang& g = *w.gang;
  report("kernel " + kernel_name(g.l->fn) + ", seed " + std::to_string(g.seed) + ", " + describe_fiber(self()) + ": " + s);
  g.failed = true;
  resume(w.main);  // never comes back: the launch is abandoned
  abort();
}
}  // namespace fovea::emulator
