#!/usr/bin/env bash
# Builds the native library and the .NET solution, and leaves the command line tool runnable as artifacts/fovea.
# Usage: build/build.sh [--preset NAME]     (a CMake preset; default release, what the packages ship)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=release
if [[ ${1:-} == --preset && -n ${2:-} ]]; then
  preset=$2
elif [[ $# -gt 0 ]]; then
  printf 'usage: build/build.sh [--preset NAME]\n' >&2
  exit 2
fi
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

build/dependencies.sh build
cmake --preset "$preset" -Wno-dev >/dev/null
cmake --build --preset "$preset" -j"$(nproc)" -- --no-print-directory
dotnet build Runtime.sln -c Release -v q -p:NativePreset="$preset"

# The tool is a published copy, so running it builds nothing. Delete first: publishing never removes stale files.
rm -rf artifacts/cli
dotnet publish src/Fovea.Cli -c Release -v q --no-build -p:NativePreset="$preset" -o artifacts/cli
cat >artifacts/fovea <<'LAUNCHER'
#!/usr/bin/env bash
exec "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/cli/fovea-cli" "$@"
LAUNCHER
chmod +x artifacts/fovea
printf 'built artifacts/fovea\n'
