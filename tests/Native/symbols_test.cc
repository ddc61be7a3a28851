// The library as a loader sees it: what it exports, which system versions it needs, and that no body compiled for one
// instruction set can stand in for another.
#include <dlfcn.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "support.h"

namespace {

std::vector<std::string> lines_of(const std::string& command) {
  std::vector<std::string> lines;
  std::FILE* pipe = popen((command + " 2>/dev/null").c_str(), "r");
  for (char line[4096]; pipe != nullptr && std::fgets(line, sizeof line, pipe) != nullptr;)
    lines.emplace_back(line, std::strcspn(line, "\n"));
  if (pipe != nullptr) pclose(pipe);
  return lines;
}

std::string library_path() {
  Dl_info info{};
  void* symbol = dlsym(RTLD_DEFAULT, "fovea_abi_version");
  return symbol != nullptr && dladdr(symbol, &info) != 0 ? info.dli_fname : "";
}

std::set<std::string> declared_functions() {
  std::set<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(FOVEA_TEST_HEADERS)) {
    std::stringstream text;
    text << std::ifstream(file.path()).rdbuf();
    const std::string source = text.str();
    static const std::regex declaration(R"(FOVEA_API[^;(]*\b(fovea_\w+)\s*\()");
    for (std::sregex_iterator it(source.begin(), source.end(), declaration), end; it != end; ++it) names.insert((*it)[1]);
  }
  return names;
}

std::set<std::string> exported_functions() {
  std::set<std::string> names;
  for (const std::string& line : lines_of("nm -D --defined-only '" + library_path() + "'"))
    names.insert(line.substr(line.rfind(' ') + 1));
  return names;
}

TEST(Symbols, ExportsWhatTheHeadersDeclareAndNothingElse) {
  const std::set<std::string> declared = declared_functions(), exported = exported_functions();
  ASSERT_GT(declared.size(), 20u);
  ASSERT_FALSE(exported.empty()) << library_path();
  for (const std::string& name : exported) EXPECT_TRUE(declared.count(name)) << name << " is exported but not declared";
  for (const std::string& name : declared) EXPECT_TRUE(exported.count(name)) << name << " is declared but not exported";
}

// Sanitizer runtimes need newer symbols; and without full optimisation functions stay out of line that otherwise vanish.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

bool newer(const std::string& version, const std::string& limit) {
  std::istringstream a(version), b(limit);
  for (;;) {
    std::string x, y;
    std::getline(a, x, '.'), std::getline(b, y, '.');
    const int i = x.empty() ? 0 : std::stoi(x), j = y.empty() ? 0 : std::stoi(y);
    if (i != j) return i > j;
    if (!a && !b) return false;
  }
}

TEST(Symbols, VersionComparisonIsNumeric) {
  EXPECT_TRUE(newer("2.36", "2.34"));
  EXPECT_TRUE(newer("2.34.1", "2.34"));
  EXPECT_FALSE(newer("2.4", "2.34"));
  EXPECT_FALSE(newer("3.4.29", "3.4.29"));
  EXPECT_TRUE(newer("3.4.30", "3.4.29"));
}

// The oldest systems served: Ubuntu 22.04, RHEL 9 (glibc 2.34, GCC 11) and Debian 12.
TEST(Symbols, NeedsNothingNewerThanTheOldestSystemServed) {
  const std::vector<std::string> lines = lines_of("objdump -T '" + library_path() + "'");
  ASSERT_GT(lines.size(), 10u) << library_path();
  static const std::regex version(R"(\((GLIBC|GLIBCXX|CXXABI|GCC)_([0-9.]+)\))");
  int seen = 0;
  for (const std::string& line : lines) {
    std::smatch match;
    if (!std::regex_search(line, match, version)) continue;
    ++seen;
    const std::string family = match[1], limit = family == "GLIBC"     ? "2.34"
                                                 : family == "GLIBCXX" ? "3.4.29"
                                                 : family == "CXXABI"  ? "1.3.13"
                                                                       : "11.0";
    EXPECT_FALSE(newer(match[2], limit)) << line;
  }
  EXPECT_GT(seen, 10);
}

// A weak symbol of an AVX-512 object may be the copy that the linker keeps for everybody. So these objects define only what
// their own namespace holds.
TEST(Symbols, BodiesOfOneInstructionSetShareNothing) {
  std::ifstream list(FOVEA_TEST_ISA_OBJECTS);
  int objects = 0;
  for (std::string object; std::getline(list, object);) {
    if (object.empty()) continue;
    ++objects;
    for (const std::string& line : lines_of("nm -C --defined-only '" + object + "'")) {
      const size_t type = line.find_first_not_of("0123456789abcdef ");  // "<address> W name"
      if (type == std::string::npos || line.size() < type + 2 || std::strchr("WVuT", line[type]) == nullptr) continue;
      const std::string name = line.substr(type + 2);
      const bool own = name.find("fovea::scalar::") != std::string::npos || name.find("fovea::avx2::") != std::string::npos ||
                       name.find("fovea::avx512::") != std::string::npos;
      EXPECT_TRUE(own) << name << " in " << object;
    }
  }
  EXPECT_GT(objects, 0);
}

#endif

}  // namespace
