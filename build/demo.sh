#!/usr/bin/env bash
# From a fresh clone to faces found in a real photo: builds, brings the weights and a sample photo, and writes
# artifacts/demo.png. Needs the .NET SDK; everything else is brought by the scripts it calls.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ $# -gt 0 ]; then
  echo "usage: build/demo.sh   (no arguments)" >&2
  exit 2
fi

build/build.sh
build/models.sh

# The same rule as build/models.sh.
cache=${FOVEA_CACHE:-}
if [ -z "$cache" ]; then
  case "${XDG_CACHE_HOME:-}" in
    /*) cache="$XDG_CACHE_HOME/fovea" ;;
    *) cache="${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}/.cache/fovea" ;;
  esac
fi

# Five people at different distances.
artifacts/fovea detect "$cache/images/sample5.jpg" --out artifacts/demo.png
echo "demo: wrote $PWD/artifacts/demo.png"
