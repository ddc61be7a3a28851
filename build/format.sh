#!/usr/bin/env bash
# Formats the C++ and C# sources; with --check it changes nothing and fails when something is not formatted.
# Generated bindings are left alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

check=false
if [[ ${1:-} == --check ]]; then
  check=true
elif [[ $# -gt 0 ]]; then
  printf 'usage: build/format.sh [--check]\n' >&2
  exit 2
fi
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
build/dependencies.sh test

# Another major version lays the same rules out differently, so the version is part of the format.
formatter=$(command -v clang-format-14 || command -v clang-format)
version=$("$formatter" --version | grep -oE '[0-9]+' | head -n 1)
if [[ $version != 14 ]]; then
  printf 'format: clang-format is version %s, the sources are formatted with 14 (Debian 12)\n' "$version" >&2
  exit 1
fi
mapfile -d '' native < <(find native tests/Native -type f \( -name '*.h' -o -name '*.cc' -o -name '*.c' -o -name '*.inc' -o -name '*.cu' \) -print0 | sort -z)

managed=(--exclude src/Fovea.Interop/Generated src/Fovea.Interop/Cuda/Generated -v q)
if $check; then
  failed=0
  "$formatter" --dry-run --Werror "${native[@]}" || failed=1
  managed+=(--verify-no-changes)
else
  "$formatter" -i "${native[@]}"
fi
# White space needs no project: reading files alone takes half the time of loading the solution.
dotnet format whitespace --folder . --include src/ tests/ benchmarks/ "${managed[@]}" || failed=1
# Style (names, modifiers, namespaces) fails the build itself: .editorconfig and EnforceCodeStyleInBuild.
if ! $check; then
  [[ -f src/Fovea.Interop/obj/project.assets.json ]] || dotnet restore Runtime.sln -v q
  dotnet format style Runtime.sln --no-restore "${managed[@]}" || failed=1
fi
exit "${failed:-0}"
