#!/usr/bin/env bash
# Every check there is: formatting, native tests (each instruction set, sanitizers), headers, .NET tests, packages.
# The last line is `N passed, N failed, N skipped`; the exit code is 1 when anything failed. A section that fails does not
# stop the others; a run whose counts cannot be read, or that ran nothing, is a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en
unset FOVEA_ISA
export ASAN_OPTIONS=handle_sigill=1 # undefined behaviour traps (CMakeLists.txt); this reports where
logs=artifacts/test-logs
rm -rf "$logs" && mkdir -p "$logs"
jobs=$(nproc)
passed=0 failed=0 skipped=0

# ---- counting ---------------------------------------------------------------------------------------------------------

pass() { passed=$((passed + ${1:-1})); }
fail() { # fail MESSAGE [LOG]
  failed=$((failed + 1))
  printf 'FAILED  %s\n' "$1"
  if [[ -n ${2:-} && -f $2 ]]; then tail -n 60 "$2" | sed 's/^/        /'; fi
}
skip() { # skip REASON
  skipped=$((skipped + 1))
  printf 'skipped %s\n' "$1"
}

section() { # section TITLE FUNCTION
  local before=$((passed + failed + skipped)) begin=$SECONDS
  printf '== %s\n' "$1"
  "$2" || fail "$1: stopped early"
  [[ $((passed + failed + skipped)) -gt $before ]] || fail "$1: nothing was counted"
  printf '   %d s\n' $((SECONDS - begin))
}

# check NAME COMMAND...: one test that passes when the command does.
check() {
  local name=$1 log
  log="$logs/${name//[^A-Za-z0-9._-]/-}.log"
  shift
  if "$@" >"$log" 2>&1 </dev/null; then pass; else
    fail "$name" "$log"
    return 1
  fi
}

number() { # number PERL_PATTERN LOG DEFAULT: the last match
  local found
  found=$(grep -aoP "$1" "$2" | tail -n 1) || true
  printf '%d' "${found:-$3}"
}

# gtest NAME COMMAND...: runs a GoogleTest program in one shard per processor and adds up their summaries.
gtest() {
  local name=$1 i pids=() total=0
  shift
  for ((i = 0; i < jobs; i++)); do
    GTEST_TOTAL_SHARDS=$jobs GTEST_SHARD_INDEX=$i timeout 900 "$@" >"$logs/$name.$i.log" 2>&1 </dev/null &
    pids+=($!)
  done
  for ((i = 0; i < jobs; i++)); do
    local code=0 log=$logs/$name.$i.log ran p f s
    wait "${pids[i]}" || code=$?
    ran=$(number '\[==========\] \K[0-9]+(?= tests? from [0-9]+ test suites? ran)' "$log" -1)
    p=$(number '^\[  PASSED  \] \K[0-9]+(?= test)' "$log" 0)
    f=$(number '^\[  FAILED  \] \K[0-9]+(?= tests?, listed)' "$log" 0)
    s=$(number '^\[  SKIPPED \] \K[0-9]+(?= tests?, listed)' "$log" 0)
    [[ $ran -lt 0 ]] || total=$((total + ran))
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if [[ $f -gt 0 ]]; then
      printf 'FAILED  %s:\n' "$name"
      grep -aE -B 25 '^\[  FAILED  \] .* \([0-9]+ ms\)$' "$log" | tail -n 120 | sed 's/^/        /'
    elif [[ $code -ne 0 || $((p + s)) -ne $ran ]]; then
      fail "$name: exit code $code, $ran ran (-1: it did not finish), $p passed, $s skipped" "$log"
    fi
    grep -aE '^\[  SKIPPED \] [^ ]+$' "$log" | sed "s/^\[  SKIPPED \]/skipped $name:/" || true
  done
  [[ $total -gt 0 ]] || fail "$name: no test ran"
  printf '   %s: %d tests\n' "$name" "$total"
}

# ---- native -----------------------------------------------------------------------------------------------------------

# What only a plug-in's backend can do; it runs in the sections on CUDA.
device_tests='F32Products.*:CudaRuntime.*:*.BFloat16*:*.HalfPrecision*:*InBFloat16:*InHalfPrecision:*.Devices*'

native_build() { # native_build PRESET [TARGET...]
  local preset=$1
  shift
  check "configure $preset" cmake --preset "$preset" -Wno-dev -DFOVEA_CUDA=OFF || return
  check "build $preset" cmake --build --preset "$preset" -j"$jobs" ${1:+--target "$@"}
}

dependencies() { check "build/dependencies.sh" build/dependencies.sh test; }
formatting() { check "format" build/format.sh --check || true; }

headers() {
  local header
  for header in native/include/fovea/*.h; do
    check "C17 ${header##*/}" gcc -x c -std=c17 -Wall -Wextra -pedantic -Werror -fsyntax-only "$header" || true
    check "C++ ${header##*/}" g++ -x c++ -std=c++11 -Wall -Wextra -pedantic -Werror -fsyntax-only "$header" || true
  done
}

# native_programs NAME PRESET [PREFIX...]: every test program of a preset, run by PREFIX.
native_programs() {
  local name=$1 preset=$2 program
  shift 2
  for program in artifacts/native/"$preset"/tests/Native/*_tests; do
    gtest "$name-${program##*/}" "$@" "$program"
  done
}

native_tests() {
  native_build tests || return 0
  native_programs native tests env GTEST_FILTER="-$device_tests"
}

# What a test does not force itself runs with each set in turn, as a service started with FOVEA_ISA would. Not the symbols: files do
# not change.
native_isas() {
  local isa
  for isa in reference scalar avx2 avx512; do
    if [[ $isa == avx* ]] && ! grep -qm 1 "${isa/avx512/avx512vl}" /proc/cpuinfo; then
      skip "FOVEA_ISA=$isa: this processor lacks it"
    else
      native_programs "isa-$isa" tests env FOVEA_ISA="$isa" GTEST_FILTER="-Symbols.*:$device_tests"
    fi
  done
}

# The library and the plug-in are instrumented, the test program is not: its compilation would take as long again, and what its
# arrays are overrun by is the library. It finds the instrumented ones by the loader's search path.
sanitized() {
  LD_LIBRARY_PATH=$PWD/artifacts/native/asan LD_PRELOAD=$(g++ -print-file-name=libasan.so):$(g++ -print-file-name=libubsan.so) \
    exec "$@"
}
export -f sanitized
sanitizers=(bash -c 'sanitized "$@"' sanitized) # a prefix for gtest, which starts programs by timeout

sanitized_in_use() { LD_LIBRARY_PATH=$PWD/artifacts/native/asan ldd artifacts/native/tests/tests/Native/fovea_tests | grep -q native/asan/libfovea.so; }

address_sanitizer() {
  native_build asan fovea fovea_internal_tests fovea_cuda_emulated fovea_emulator_tests || return 0
  gtest asan-fovea_internal_tests artifacts/native/asan/tests/Native/fovea_internal_tests
  check "the sanitized library is the one in use" sanitized_in_use || return 0
  gtest asan-fovea_tests env GTEST_FILTER="-Symbols.*:$device_tests" "${sanitizers[@]}" artifacts/native/tests/tests/Native/fovea_tests
}

# The CUDA kernels on the processor, in three builds: plain, with AddressSanitizer (built before), and under the emulator's race
# detector: the emulator's own tests, then every kernel's case table, plain in several schedules. What the backend
# lacks skips and is counted.
cuda_emulated() {
  managed_build_begin
  emulated_kernels plain tests 3
  emulated_kernels asan asan 1 "${sanitizers[@]}"
  native_build race fovea_cuda_emulated fovea_emulator_tests || return 0
  emulated_kernels race race 1
}

emulated_kernels() { # emulated_kernels NAME PLUGIN_PRESET SCHEDULES [PREFIX...]
  local name=$1 build=artifacts/native/$2 schedules=$3
  shift 3
  [[ -f $build/libfovea_cuda_emulated.so ]] || return 0 # its build has failed and been counted
  gtest "emulator-$name" "$build/tests/Native/emulator/fovea_emulator_tests"
  gtest "emulated-$name" env FOVEA_TEST_SCHEDULES="$schedules" FOVEA_TEST_PLUGIN="$PWD/$build/libfovea_cuda_emulated.so" \
    GTEST_FILTER="$emulated_filter" "$@" artifacts/native/tests/tests/Native/fovea_tests
}
# Tests of the CPU alone: plug-in loading, instruction sets, its memory, its convolution algorithms.
emulated_filter='-Plugin.*:Isa*:Memory*:Symbols*:Abi*:*Arguments*:Conv2dWinograd*'

# All of the core's own tests (thread pool, streams, capture), and of the kernels one of each way to use threads: plain rows,
# scratch per thread, dynamic batches. The others share these ways, and their numerical sweeps take minutes each here. Preset tsan
# builds only the files of these tests.
thread_sanitizer() {
  native_build tsan || return 0
  local filter='*Activation*:*Attention*:*Binary*:*CausalConv1d*:*Conv2d*'
  filter+=':-*.MatchesNaiveGradients:LinearAttention.MatchesReference:LinearAttention.ChunksOfEverySize:*Conv2dWinogradError*'":$device_tests"
  local run=(env TSAN_OPTIONS=exitcode=66) probe=artifacts/native/tsan/tests/Native/fovea_tests
  # GCC 12's runtime cannot map its shadow when the kernel randomises addresses over more than 28 bits.
  if ! "$probe" --gtest_list_tests >/dev/null 2>&1; then
    run+=(setarch --addr-no-randomize)
    if ! "${run[@]}" "$probe" --gtest_list_tests >"$logs/tsan-probe.log" 2>&1; then
      skip "ThreadSanitizer cannot start here: $(tail -n 1 "$logs/tsan-probe.log")"
      return
    fi
  fi
  local program=artifacts/native/tsan/tests/Native
  gtest tsan-fovea_internal_tests "${run[@]}" "$program/fovea_internal_tests"
  gtest tsan-fovea_tests env GTEST_FILTER="$filter" "${run[@]}" "$program/fovea_tests"
}

# ---- CUDA -------------------------------------------------------------------------------------------------------------

# What nvcc and ptxas say of the kernels needs no GPU. They are already built where the preset found a toolkit by itself.
cuda_kernels() {
  local toolkit log=$logs/cuda-toolkit.log
  # Some ten minutes of a processor: a slow machine leaves it to the next run, so that the whole stays below half an hour.
  if [[ $SECONDS -gt ${FOVEA_TEST_CUDA_BEFORE:-1200} ]]; then
    skip "CUDA kernels: $SECONDS s have passed; FOVEA_TEST_CUDA_BEFORE=9999 build/test.sh compiles them all the same"
    return
  fi
  if ! toolkit=$(build/cuda-toolkit.sh 2>"$log" </dev/null); then
    skip "CUDA kernels: $(tail -n 1 "$log")"
    return
  fi
  check "bad CUDA kernels do not pass" tests/Cuda/report_test.sh "$toolkit" || true
  if ! compgen -G 'native/ops/*/*.cu' >/dev/null; then
    skip "CUDA kernels: there are none yet"
    return
  fi
  check "configure with CUDA" cmake --preset tests -Wno-dev -DFOVEA_CUDA=AUTO -DCUDAToolkit_ROOT="$toolkit" || return 0
  check "every CUDA kernel compiles" cmake --build --preset tests --target fovea_cuda -j"$jobs" || return 0
  check "CUDA kernels within their budget" build/cuda-report.sh || true
  sed -n 's/^cuda-report: \([0-9]* files.*\)/   nvcc: \1/p' "$logs"/CUDA-kernels-within-their-budget.log
}

# ---- .NET -------------------------------------------------------------------------------------------------------------

# MSBuild waits for one project after another and leaves half of two processors idle, so it runs beside the emulated kernels.
managed_build_begin() {
  # The same flags as preset release: compiling the library a second time would add minutes.
  build/build.sh --preset tests >"$logs/build-build.sh.log" 2>&1 </dev/null &
  managed_build=$!
}

managed_build() {
  if ! wait "$managed_build"; then
    fail "build/build.sh" "$logs/build-build.sh.log"
    return
  fi
  pass
  check "artifacts/fovea --help" artifacts/fovea --help || true
}

models() {
  if [[ ! -x build/models.sh ]]; then
    skip "models: there is no build/models.sh"
  elif build/models.sh >"$logs/models.log" 2>&1 </dev/null; then
    pass
  else
    skip "models: $(tail -n 1 "$logs/models.log"); tests that need them skip"
  fi
}

# Test projects are programs, as many at a time as there are processors; their own summary is counted, so a runner that finds nothing
# cannot look like a success.
managed_tests() {
  local project name log code line total errors f s idle
  printf '%s\n' tests/*/*.csproj | sed -E 's|.*/(.*)\.csproj|\1|' | logs=$logs xargs -P "$jobs" -I{} bash -c \
    'timeout 900 dotnet tests/{}/bin/Release/net10.0/{}.dll -noColor -noLogo >"$logs/{}.log" 2>&1 </dev/null; echo $? >"$logs/{}.code"'
  for project in tests/*/*.csproj; do
    name=$(basename "$project" .csproj)
    log="$logs/$name.log" code=$(<"$logs/$name.code")
    line=$(grep -aE 'Total: [0-9]+, Errors: [0-9]+, Failed: [0-9]+, Skipped: [0-9]+, Not Run: [0-9]+' "$log" | tail -n 1) || true
    if [[ -z $line ]]; then
      fail "$name: no summary, exit code $code" "$log"
      continue
    fi
    read -r total errors f s idle < <(sed -E 's/.*Total: ([0-9]+), Errors: ([0-9]+), Failed: ([0-9]+), Skipped: ([0-9]+), Not Run: ([0-9]+).*/\1 \2 \3 \4 \5/' <<<"$line")
    skipped=$((skipped + s + idle)) passed=$((passed + total - f - s - idle)) failed=$((failed + f + errors))
    if [[ $((f + errors)) -gt 0 ]]; then
      printf 'FAILED  %s:\n' "$name"
      grep -aA 12 -E '\[FAIL\]|\[ERROR\]|\[FATAL' "$log" | head -n 120 | sed 's/^/        /' || true
    elif [[ $total -eq 0 ]]; then
      fail "$name: no test ran" "$log"
    elif [[ $code -ne 0 ]]; then
      fail "$name: exit code $code" "$log"
    fi
    grep -aA 1 '\[SKIP\]$' "$log" | grep -avE '^--$' | paste - - | sed -E 's/^ *(.*) \[SKIP\][[:space:]]+/skipped \1: /' || true
    printf '   %s: %d tests\n' "$name" "$total"
  done
}

packages() {
  rm -rf artifacts/packages
  check "pack" dotnet pack Runtime.sln -c Release -v q --no-build -p:NativePreset=tests -o artifacts/packages || return 0
  # Names of members are stored as plain text in the archive.
  check "the package holds the native library" \
    grep -aq runtimes/linux-x64/native/libfovea.so artifacts/packages/Fovea.Interop.*.nupkg || true
}

# -----------------------------------------------------------------------------------------------------------------------

section "dependencies" dependencies
section "formatting" formatting
section "headers alone" headers
section "native tests" native_tests
section "native tests, each instruction set by FOVEA_ISA" native_isas
section "native tests, AddressSanitizer and UndefinedBehaviorSanitizer" address_sanitizer
section "native tests, ThreadSanitizer" thread_sanitizer
section "CUDA kernels emulated: plain, sanitized, race detector" cuda_emulated
section ".NET build" managed_build
section "models" models
section ".NET tests" managed_tests
section "packages" packages
section "CUDA: every kernel compiles for sm_80 and sm_90a" cuda_kernels
printf '== total %d s\n%d passed, %d failed, %d skipped\n' "$SECONDS" "$passed" "$failed" "$skipped"
[[ $failed -eq 0 ]]
