#!/usr/bin/env bash
# Builds the other runtimes that `fovea bench --peers` compares with, into artifacts/cli/peers beside the tool.
# Usage: build/bench.sh [--torch]     (--torch adds TorchSharp, a download of 600 MB)
# Needs artifacts/fovea from build/build.sh and builds it when it is absent.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

torch=false
if [[ ${1:-} == --torch ]]; then
  torch=true
elif [[ $# -gt 0 ]]; then
  printf 'usage: build/bench.sh [--torch]\n' >&2
  exit 2
fi
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

[[ -x artifacts/fovea ]] || build/build.sh

# The peers run inside the tool and use its copy of Fovea, so the native library is not built again for them.
rm -rf artifacts/cli/peers
dotnet build benchmarks/Fovea.Bench.Peers -c Release -v q -p:FoveaSkipNative=true \
  -p:NativeLibrary="$PWD/artifacts/cli/runtimes/linux-x64/native/libfovea.so" -p:FoveaTorch=$torch
cp -r benchmarks/Fovea.Bench.Peers/bin/Release/net10.0 artifacts/cli/peers
find artifacts/cli/peers/runtimes -mindepth 1 -maxdepth 1 ! -name linux-x64 -exec rm -r {} +
if [[ $torch == true ]]; then
  # One symbol that TorchSharp's library wants and the C++ library of Debian 12 lacks; see TorchLibrary.cs.
  g++ -O1 -shared -fPIC -x c++ - -o artifacts/cli/peers/runtimes/linux-x64/native/libstdcxx_init.so <<'SHIM'
extern "C" __attribute__((visibility("default"))) void _ZSt21ios_base_library_initv() {}
SHIM
fi
printf 'built artifacts/cli/peers: run artifacts/fovea bench --peers\n'
