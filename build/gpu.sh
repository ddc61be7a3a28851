#!/usr/bin/env bash
# Everything that only a GPU can tell, in one command of less than ten minutes that needs no network: conformance of the device
# language layer, every kernel's case table, compute-sanitizer on a part of it, the .NET tests on the device, and one file of
# results with date, commit and driver.
# Usage: build/gpu.sh --prepare     on a machine with the SDKs: builds what the other call runs, into artifacts/gpu
#        build/gpu.sh               on a machine with a GPU: runs it, prepares first when it must
# Results: ${OUT:-artifacts/gpu-results}. The exit code is 1 when a step failed; a step that fails does not stop the others.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bundle=artifacts/gpu
results=${OUT:-artifacts/gpu-results}
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

prepare() {
  local build=artifacts/native/tests toolkit
  build/dependencies.sh test
  toolkit=$(build/cuda-toolkit.sh)
  cmake --preset tests -Wno-dev -DFOVEA_CUDA=ON -DCUDAToolkit_ROOT="$toolkit" >/dev/null
  cmake --build --preset tests -j"$(nproc)" --target fovea fovea_tests fovea_cuda fovea_cuda_conformance
  rm -rf "$bundle" && mkdir -p "$bundle"
  git describe --always --dirty --abbrev=12 >"$bundle/commit"
  cp tests/Native/emulator/conformance.expected "$build"/libfovea.so "$build"/libfovea_cuda.so "$build"/fovea_cuda_conformance \
    "$build"/tests/Native/fovea_tests "$bundle"
  # One compressed file with the runtime inside: the other machine needs no .NET.
  dotnet publish tests/Fovea.Tests -c Release -r linux-x64 --self-contained -v q -p:FoveaSkipNative=true -p:NativePreset=tests \
    -p:PublishSingleFile=true -p:EnableCompressionInSingleFile=true -o artifacts/gpu-dotnet
  cp artifacts/gpu-dotnet/Fovea.Tests "$bundle"
  strip --strip-debug "$bundle"/*.so "$bundle"/fovea_tests "$bundle"/fovea_cuda_conformance
  printf 'gpu: prepared %s (%s)\n' "$bundle" "$(du -sh "$bundle" | cut -f 1)"
}

if [[ ${1:-} == --prepare ]]; then
  prepare
  exit
elif [[ $# -gt 0 ]]; then
  printf 'usage: build/gpu.sh [--prepare]\n' >&2
  exit 2
fi

command -v nvidia-smi >/dev/null || {
  printf 'gpu: there is no NVIDIA driver here (no nvidia-smi)\n' >&2
  exit 1
}
[[ -x $bundle/fovea_tests ]] || prepare
mkdir -p "$results"
report=$results/report.md
failures=0

step() { # step NAME SECONDS COMMAND...: prints the outcome at once, so that a run that is cut off still tells something
  local name=$1 limit=$2 log=$results/$1.log begin=$SECONDS code=0
  shift 2
  timeout --kill-after=10 "$limit" "$@" >"$log" 2>&1 </dev/null || code=$?
  local outcome=passed
  [[ $code -eq 0 ]] || outcome="FAILED (exit code $code)" failures=$((failures + 1))
  printf '| %s | %s | %d s | %s |\n' "$name" "$outcome" $((SECONDS - begin)) "$(summary "$log")" | tee -a "$report"
}

# The line of a log that says most: a test program's own sum, or its last line.
summary() {
  { grep -aE '^\[  (PASSED|FAILED)  \] [0-9]+ tests?|Total: [0-9]+|ERROR SUMMARY' "$1" || tail -n 1 "$1"; } | tr -d '|' | tr '\n' ';' | cut -c 1-160
}

conformance() { diff "$bundle/conformance.expected" <("$bundle/fovea_cuda_conformance"); }
kernels() { FOVEA_TEST_PLUGIN=$PWD/$bundle/libfovea_cuda.so LD_LIBRARY_PATH=$bundle "$@"; }
sanitized() { kernels compute-sanitizer --tool "$1" --error-exitcode 9 "$bundle/fovea_tests" --gtest_filter="$2"; }
managed() {
  FOVEA_TEST_DEVICE=cuda:0 FOVEA_LIBRARY_PATH=$PWD/$bundle FOVEA_BACKEND_PATH=$PWD/$bundle "$bundle/Fovea.Tests" -noColor -noLogo \
    -class Fovea.Tests.EmulatedKernelTests
}
export -f conformance kernels sanitized managed
export bundle

{
  printf '# GPU results\n\n- date %s\n- commit %s\n' "$(date -u +%F)" "$(cat "$bundle/commit")"
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | sed 's/^/- device /'
  printf '\n| step | outcome | time | |\n| --- | --- | ---: | --- |\n'
} >"$report"
nvidia-smi -q -d CLOCK,POWER >"$results/device.txt" || true

step conformance 60 bash -c conformance
step kernels 180 bash -c 'kernels "$bundle/fovea_tests" --gtest_filter="-Plugin.*:Isa*:Memory*:Symbols*:Abi*:*Arguments*:Conv2dWinograd*"'
step dotnet 120 bash -c managed
if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck synccheck; do
    step "sanitizer-$tool" 60 bash -c "sanitized $tool '*Activation*:*Softmax*:*LayerNorm*:*Nms*:Matmul*'"
  done
else
  printf '| sanitizer | skipped: no compute-sanitizer here | | |\n' | tee -a "$report"
fi
printf 'gpu: results in %s\n' "$results"
[[ $failures -eq 0 ]]
