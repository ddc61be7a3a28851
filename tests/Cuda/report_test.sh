#!/usr/bin/env bash
# Proves that bad kernels do not pass: build/cuda-report.sh complains of what is over budget, native/cuda/compile.sh of wgmma
# that ptxas made serial.
# Usage: tests/Cuda/report_test.sh TOOLKIT
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

toolkit=${1:?usage: tests/Cuda/report_test.sh TOOLKIT}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  printf 'report_test: %s\n' "$1" >&2
  sed 's/^/  /' "$work/log" >&2
  exit 1
}

compile() { # compile SOURCE: as the build does, for one architecture
  native/cuda/compile.sh "$toolkit/bin/nvcc" -ccbin "${CXX:-c++}" -std=c++20 -gencode=arch=compute_90a,code=sm_90a \
    -Xptxas=-v,-warn-spills,-warn-lmem-usage -c "tests/Cuda/$1.cu" -o "$work/$1.cu.o" >"$work/log" 2>&1
}
report() { build/cuda-report.sh --build "$work" --budget "$work/budget" --out "$work" "$@" >"$work/log" 2>&1; }
says() { grep -qE "$1" "$work/log" || fail "no line like '$1'"; }

printf '%s\n' "$work/spills.cu.o" >"$work/fovea_cuda.objects"
: >"$work/budget"
if report; then fail "a missing object passes"; fi
says 'spills.cu is not built'

compile spills || fail "spills.cu does not compile"
if report; then fail "spills pass"; fi
says 'spilling_kernel<64> \(sm_90a, spills.cu\) spills [0-9]+ bytes, 0 are allowed'
says 'local_memory_kernel \(sm_90a, spills.cu\) uses [0-9]+ bytes of local memory, 0 are allowed'
grep -qE '^spilling_kernel<64>	sm_90a	32	0	[1-9][0-9]*	[1-9][0-9]*	spills.cu$' "$work/cuda-kernels.tsv" ||
  fail "no row in cuda-kernels.tsv"

row() { printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$@"; }
{
  row 'spilling_kernel<64>' sm_90a 32 9999 9999 'it is a test'
  row 'local_*' '*' - 0 9999 'so is this'
} >"$work/budget"
report || fail "what the budget allows does not pass"

{
  row 'spilling_kernel<*>' '*' 31 9999 9999 'it is a test'
  row 'local_*' sm_80 - 0 9999 'another architecture'
} >"$work/budget"
if report; then fail "too many registers pass"; fi
says 'spilling_kernel<64> \(sm_90a, spills.cu\) uses 32 registers, 31 are allowed'
says 'local_memory_kernel .* uses [0-9]+ bytes of local memory, 0 are allowed'
says 'budget row local_\* names no kernel'

row '*' '*' - 9999 9999 '' >"$work/budget"
if report; then fail "a budget row without a reason passes"; fi
says 'needs six columns and a reason'

# SASS of this kernel is known to hold stores to local memory.
printf 'FOVEA_CUDA_ROOT:PATH=%s\n' "$toolkit" >"$work/CMakeCache.txt"
report --sass '^local_memory_kernel$' || fail "--sass fails"
says '^local_memory_kernel \(sm_90a\)$'
says '^ +[1-9][0-9]*  STL'

if compile serial_wgmma_sm90; then fail "serial wgmma passes"; fi
says '\(C7515\)'
[[ ! -e $work/serial_wgmma_sm90.cu.o ]] || fail "serial wgmma leaves an object"
printf '%s\n' "$work/serial_wgmma_sm90.cu.o" >"$work/fovea_cuda.objects"
: >"$work/serial_wgmma_sm90.cu.o" >"$work/budget"
if report; then fail "the report overlooks C7515"; fi
says 'C7515'
printf 'report_test: passed\n'
