#!/usr/bin/env bash
# Prints the path of a CUDA toolkit (12.3 or newer) that works with this machine's C++ compiler; brings one if there is none.
# Usage: build/cuda-toolkit.sh [--find]     (--find only looks; it never downloads)
# Looked at, in this order: $CUDAToolkit_ROOT, $CUDA_HOME, $CUDA_PATH, nvcc on PATH, /usr/local/cuda, the cache. What is brought
# is 12.4 out of Debian 13's packages, under NVIDIA's licence: apt downloads and verifies them, they are unpacked into the cache
# ($FOVEA_CACHE, else $XDG_CACHE_HOME/fovea, else ~/.cache/fovea) and never installed.
set -euo pipefail

say() { printf 'cuda-toolkit: %s\n' "$1" >&2; }
fail() {
  say "$1"
  exit 1
}

mode=${1:-bring}
[[ $# -le 1 && ($mode == bring || $mode == --find) ]] || { printf 'usage: build/cuda-toolkit.sh [--find]\n' >&2; exit 2; }

release=12.4 suite=trixie
# cuda_fp16.h needs libcu++; the other headers and the shared runtime make the toolkit usable for anything else.
packages=(nvidia-cuda-toolkit nvidia-cuda-dev libcudart12 libcu++-dev libcub-dev libthrust-dev)

# The rule of build/models.sh.
cache=${FOVEA_CACHE:-}
if [[ -z $cache ]]; then
  cache=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}/.cache/fovea
  [[ ${XDG_CACHE_HOME:-} != /* ]] || cache=$XDG_CACHE_HOME/fovea
fi
[[ $cache == /* ]] || cache=$PWD/$cache
final=$cache/cuda-$release

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# ---- what makes a toolkit good ----------------------------------------------------------------------------------------

# Compiles and links what the product needs: both architectures, Hopper's own instructions, C++20, the static runtime.
smoke_compile() { # smoke_compile ROOT LOG
  cat >"$work/probe.cu" <<'PROBE'
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
template <class T> concept floating = sizeof(T) == 2;
template <floating T> __global__ void probe_kernel(T *x) {
#if __CUDA_ARCH__ >= 900
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
  x[threadIdx.x] = T(2.0f);
}
extern "C" cudaError_t probe(__nv_bfloat16 *x) {
  probe_kernel<<<1, 32>>>(x);
  return cudaGetLastError();
}
PROBE
  "$1/bin/nvcc" -ccbin "${NVCC_CCBIN:-${CUDAHOSTCXX:-${CXX:-g++}}}" -std=c++20 -shared -cudart static -Xcompiler -fPIC \
    -gencode 'arch=compute_80,code=[sm_80,compute_80]' -gencode arch=compute_90a,code=sm_90a \
    "$work/probe.cu" -o "$work/probe.so" >"$2" 2>&1 </dev/null
}

reasons=()
try() { # try ROOT: prints the root and ends the script when it is good, else notes why not
  local root version
  [[ -n $1 && -x $1/bin/nvcc ]] || return 0
  root=$(cd "$1" && pwd -P)
  version=$("$root/bin/nvcc" --version 2>/dev/null | sed -n 's/.*release \([0-9]*\.[0-9]*\).*/\1/p') || true
  if [[ -z $version ]]; then
    reasons+=("$root/bin/nvcc does not run")
  elif [[ $(printf '12.3\n%s\n' "$version" | sort -V | head -n 1) != 12.3 ]]; then
    reasons+=("$root is CUDA $version, 12.3 is needed")
  elif ! smoke_compile "$root" "$work/smoke.log"; then
    reasons+=("$root cannot compile: $(grep -m 1 -iE 'error|fatal|not found' "$work/smoke.log" || tail -n 1 "$work/smoke.log")")
  else
    printf '%s\n' "$root"
    exit 0
  fi
}

try "${CUDAToolkit_ROOT:-}"
try "${CUDA_HOME:-}"
try "${CUDA_PATH:-}"
if on_path=$(command -v nvcc); then
  # A Debian package puts a wrapper into /usr/bin; elsewhere a link on PATH may point into the toolkit.
  try "$(dirname "$(dirname "$on_path")")"
  try "$(dirname "$(dirname "$(readlink -f "$on_path")")")"
fi
try /usr/local/cuda
try "$final"

if [[ ${#reasons[@]} -gt 0 ]]; then
  why=$(printf '; %s' "${reasons[@]}") why=${why:2}
else
  why="no nvcc in \$CUDA_HOME, on PATH, in /usr/local/cuda or in $final"
fi
[[ $mode != --find ]] || fail "$why"

# ---- bring one --------------------------------------------------------------------------------------------------------

advice="install CUDA 12.3 or newer from NVIDIA and set CUDA_HOME"
say "$why"
[[ $(uname -s)-$(uname -m) == Linux-x86_64 ]] || fail "only Linux on x86-64 is brought a toolkit; $advice"
# Debian's packages need glibc 2.34, and apt with Debian's keys.
system=$(. /etc/os-release 2>/dev/null && printf '%s %s' "${ID:-}" "${VERSION_ID:-}") || true
[[ $system == "debian 12" || $system == "debian 13" ]] ||
  fail "this is ${system:-no Debian}, the packages are for Debian 12 and 13; $advice"
for tool in apt-get dpkg-deb tar "${CXX:-g++}"; do
  command -v "$tool" >/dev/null || fail "$tool is missing; $advice"
done
newest=$(printf '__clang__ __GNUC__\n' | "${CXX:-g++}" -E -P -x c++ - | sed -n 's/^__clang__ //p')
[[ ${newest:-0} -le 13 ]] || fail "CUDA $release takes no g++ newer than 13 and this one is $newest; set CXX to an older one"
mkdir -p "$cache" || fail "cannot write to $cache; set FOVEA_CACHE to a folder that can be written"
[[ $(df --output=avail -k "$cache" | tail -n 1) -gt 2000000 ]] || fail "$cache needs 2 GB free for the download (210 MB stay)"

# The work folder is inside the cache, so that `mv` is a rename. Older ones are left from runs that were killed.
find "$cache" -maxdepth 1 -name '.cuda.*' -mmin +120 -exec rm -rf {} + 2>/dev/null || true
incoming=$(mktemp -d "$cache/.cuda.XXXXXX") || fail "cannot write to $cache; set FOVEA_CACHE to a folder that can be written"
trap 'rm -rf "$work" "$incoming"' EXIT
mkdir -p "$incoming"/{lists,archives}/partial "$incoming"/{debs,toolkit}

# The machine's own apt configuration (proxies, credentials), with lists, sources and status of our own and nobody's hooks.
cat >"$incoming/apt.conf" <<CONF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State::lists "$incoming/lists";
Dir::State::status "$incoming/status";
Dir::Cache::archives "$incoming/archives";
Dir::Etc::sourcelist "$incoming/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
// The cache may be closed to apt's own user.
APT::Sandbox::User "$(id -un)";
Acquire::Languages "none";
Acquire::Retries "2";
APT::Update::Error-Mode "any";
CONF
: >"$incoming/status"
apt() { apt-get -q -c "$incoming/apt.conf" "$@"; }

# Mirrors this machine uses for its own release; the suffix of a security or updates suite does not match.
codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-stable}")
mapfile -t mirrors < <(apt-get update --print-uris 2>/dev/null |
  sed -nE "s,^'([^']+)/dists/($codename|(old)?stable|testing|sid)/InRelease'.*,\1,p" | sort -u)
[[ ${#mirrors[@]} -gt 0 ]] || fail "apt's sources name no Debian mirror for this release; $advice"
signed=()
[[ ! -f /usr/share/keyrings/debian-archive-keyring.gpg ]] || signed=(signed-by=/usr/share/keyrings/debian-archive-keyring.gpg)

# Downloads into debs. apt checks each file's hash against lists whose signature it has checked.
download() { # download MIRROR
  printf 'deb [arch=amd64 target=Packages %s] %s %s main non-free\n' "${signed[*]:-}" "$1" "$suite" >"$incoming/sources.list"
  apt update && (cd "$incoming/debs" && apt download "${packages[@]}")
}

say "downloading CUDA $release (1.0 GB) with apt"
log=$incoming/apt.log
for mirror in "${mirrors[@]}"; do
  rm -f "$incoming"/debs/*
  if download "$mirror" >"$log" 2>&1 </dev/null; then
    ready=1
    break
  fi
done
if [[ -z ${ready:-} ]]; then
  grep -E '^[EW]:|^Err' "$log" >&2 || tail -n 5 "$log" >&2
  fail "apt could not download CUDA $release from this machine's Debian mirror (offline?); $advice"
fi

say "unpacking"
root=$incoming/toolkit
# Only what a compiler needs: nvidia-cuda-dev alone would unpack to 2.5 GB of libraries.
unpack() { # unpack PACKAGE MEMBER...: members are tar patterns below ./
  local deb=("$incoming/debs/$1"_*.deb)
  shift
  dpkg-deb --fsys-tarfile "${deb[0]}" | tar -x -C "$incoming/tree" --no-same-owner --wildcards "${@/#/./}" ||
    fail "${deb[0]##*/} cannot be unpacked"
  rm -f "${deb[0]}"
}
mkdir -p "$incoming/tree"
unpack nvidia-cuda-toolkit 'usr/bin/*' 'usr/lib/nvidia-cuda-toolkit/bin/*' 'usr/lib/nvidia-cuda-toolkit/libdevice/*' \
  'usr/include/*' 'usr/share/doc/nvidia-cuda-toolkit/copyright'
unpack nvidia-cuda-dev 'usr/include/*' 'usr/lib/*/libcudart*' 'usr/lib/*/libcudadevrt.a' 'usr/lib/*/stubs/libcuda.so'
unpack libcudart12 'usr/lib/*/libcudart*'
for headers in libcu++-dev libcub-dev libthrust-dev; do unpack "$headers" 'usr/include/*'; done

# Debian spreads the toolkit over the system; put together again as NVIDIA lays it out.
tree=$incoming/tree/usr inner=$incoming/tree/usr/lib/nvidia-cuda-toolkit
mkdir -p "$root"/{bin,nvvm/bin,nvvm/libdevice}
for tool in bin2c cu++filt cudafe++ cuobjdump fatbinary nvdisasm nvlink nvprune ptxas __nvcc_device_query; do
  mv "$tree/bin/$tool" "$root/bin/"
done
mv "$inner/bin/nvcc" "$inner/bin/crt" "$root/bin/"
mv "$inner/bin/cicc" "$root/nvvm/bin/"
mv "$inner"/libdevice/* "$root/nvvm/libdevice/"
mv "$tree/include" "$root/include"
mv "$tree"/lib/x86_64-linux-gnu "$root/lib64"
mv "$tree/share/doc/nvidia-cuda-toolkit/copyright" "$root/LICENSE"
# += puts in front, =+ behind.
cat >"$root/bin/nvcc.profile" <<'PROFILE'
TOP = $(_HERE_)/..
NVVMIR_LIBRARY_DIR = $(TOP)/nvvm/libdevice
PATH += $(TOP)/nvvm/bin:$(_HERE_):
INCLUDES += "-I$(TOP)/include" $(_SPACE_)
LIBRARIES =+ $(_SPACE_) "-L$(TOP)/lib64/stubs" "-L$(TOP)/lib64"
PROFILE

if ! smoke_compile "$root" "$work/smoke.log"; then
  tail -n 5 "$work/smoke.log" >&2
  fail "CUDA $release is unpacked, but cannot compile with ${CXX:-g++}; its newest host compiler is g++ 13 (set CXX)"
fi
try "$final" # a run beside this one may have been quicker
[[ ! -e $final ]] || mv -T "$final" "$incoming/broken" || fail "$final is broken and cannot be moved away"
mv -T "$root" "$final" || fail "cannot move the toolkit to $final"
printf '%s\n' "$final"
