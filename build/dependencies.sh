#!/usr/bin/env bash
# Installs what the scripts need beside the .NET SDK, with apt, and only what is missing.
# Usage: build/dependencies.sh [build|test]     (test adds GoogleTest and clang-format)
set -euo pipefail

fail() {
  printf 'dependencies: %s\n' "$1" >&2
  exit 1
}

scope=${1:-build}
[[ $scope == build || $scope == test ]] || fail "unknown scope '$scope', use build or test"
command -v dotnet >/dev/null || fail "the .NET SDK is missing (version in global.json); see https://dot.net/download"

missing=()
need() { # need PACKAGE TEST...: the package is wanted when the test fails
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}
need cmake command -v cmake
need g++ command -v g++
need make command -v make
if [[ $scope == test ]]; then
  need libgtest-dev test -f /usr/include/gtest/gtest.h
  need clang-format command -v clang-format
  need binutils command -v objdump
fi
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  command -v sudo >/dev/null || fail "missing: ${missing[*]}; install them as root (there is no sudo here)"
  as_root=(sudo)
fi
command -v apt-get >/dev/null || fail "missing: ${missing[*]}; install them with this system's package manager (there is no apt-get here)"

printf 'dependencies: installing %s\n' "${missing[*]}"
install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends "${missing[@]}"
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A fresh container has no package lists: fetch them once when the first try fails.
if ! install >"$log" 2>&1 </dev/null; then
  if ! { "${as_root[@]}" apt-get -qq update && install; } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    fail "apt-get could not install ${missing[*]}; install them by hand and run again"
  fi
fi
