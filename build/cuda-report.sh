#!/usr/bin/env bash
# Tables what ptxas said of every CUDA kernel in a build (artifacts/cuda-kernels.md and .tsv), and holds it against
# native/cuda/budget.tsv. Exit code 1 when a kernel spills, uses local memory or more registers than its row allows, when ptxas
# made wgmma serial (C75xx), when a budget row names no kernel, or when there is nothing to report.
# Usage: build/cuda-report.sh [--build FOLDER] [--budget FILE] [--out FOLDER] [--sass PATTERN]
#   --build   a configured build folder in which fovea_cuda was built (default artifacts/native/tests)
#   --sass    instead: how often each machine instruction occurs in the kernels whose names match the regular expression
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  printf 'cuda-report: %s\n' "$1" >&2
  exit 1
}

build=artifacts/native/tests budget=native/cuda/budget.tsv out=artifacts pattern=
while [[ $# -gt 0 ]]; do
  case $1 in
    --build) build=${2:?} ;;
    --budget) budget=${2:?} ;;
    --out) out=${2:?} ;;
    --sass) pattern=${2:?} ;;
    *) printf 'usage: build/cuda-report.sh [--build FOLDER] [--budget FILE] [--out FOLDER] [--sass PATTERN]\n' >&2; exit 2 ;;
  esac
  shift 2
done

[[ -f $build/fovea_cuda.objects ]] ||
  fail "$build has no CUDA build: run build/cuda-toolkit.sh, configure again and build the target fovea_cuda"
[[ -f $budget ]] || fail "there is no budget file $budget"
command -v c++filt >/dev/null || fail "c++filt is missing (Debian: binutils)"
mapfile -t objects < <(grep '\.cu\.o$' "$build/fovea_cuda.objects" || true)
[[ ${#objects[@]} -gt 0 ]] || fail "$build has no kernels"
logs=()
for object in "${objects[@]}"; do
  [[ -f $object && -f $object.ptxas ]] || fail "$(basename "$object" .o) is not built: cmake --build $build --target fovea_cuda"
  logs+=("$object.ptxas")
done

# Names as people write them: no return type, no unnamed namespace, no parameter list (parentheses inside <> stay).
# It is the first tab-separated column that is shortened.
demangle() {
  c++filt | sed -e 's/^void //' -e 's/(anonymous namespace):://g' | awk -F '\t' -v OFS='\t' '{
    name = $1
    if (name ~ /\)$/) {
      depth = 0
      for (i = length(name); i > 0; --i) {
        letter = substr(name, i, 1)
        if (letter == ")") ++depth
        else if (letter == "(" && --depth == 0) break
      }
      name = substr(name, 1, i - 1)
    }
    $1 = name
    print
  }'
}

# ---- machine instructions ---------------------------------------------------------------------------------------------

if [[ -n $pattern ]]; then
  toolkit=$(sed -n 's/^FOVEA_CUDA_ROOT:[A-Z]*=//p' "$build/CMakeCache.txt" 2>/dev/null) || true
  PATH=${toolkit:+$toolkit/bin:}$PATH
  command -v cuobjdump >/dev/null && command -v nvdisasm >/dev/null ||
    fail "--sass needs cuobjdump and nvdisasm of the CUDA toolkit"
  for object in "${objects[@]}"; do cuobjdump -sass "$object" 2>/dev/null; done | awk -v OFS='\t' '
    /code for sm_/ { arch = $NF }
    /Function : / { name = $NF }
    /^ +\/\*[0-9a-f]+\*\/ / {
      sub(/^ +\/\*[0-9a-f]+\*\/ +/, "")
      opcode = $1 ~ /^@/ ? $2 : $1
      sub(/;$/, "", opcode)
      ++count[name OFS arch OFS opcode]
      ++total[name OFS arch OFS "all"]
    }
    END {
      for (key in total) print key, total[key]
      for (key in count) print key, count[key]
    }' | demangle | awk -F '\t' -v pattern="$pattern" '$1 ~ pattern' | sort -t $'\t' -k1,1 -k2,2 -k4,4nr -k3,3 | awk -F '\t' '
    $1 OFS $2 != last { printf "%s%s (%s)\n", last == "" ? "" : "\n", $1, $2; last = $1 OFS $2 }
    { printf "%8d  %s\n", $4, $3 }
    END { if (last == "") { print "cuda-report: no kernel has such a name" > "/dev/stderr"; exit 1 } }'
  exit
fi

# ---- table ------------------------------------------------------------------------------------------------------------

mkdir -p "$out"
table=$out/cuda-kernels.tsv notes=$(mktemp)
trap 'rm -f "$notes"' EXIT

# One row for each kernel and architecture; a function that was not inlined gets a row when it has something to answer for.
awk -v OFS='\t' -v notes="$notes" '
  FNR == 1 { arch = name = ""; file = FILENAME; sub(/\.o\.ptxas$/, "", file); sub(/.*\//, "", file) }
  /\(C75[0-9][0-9]\)/ { sub(/^ptxas [a-z]+ *: /, ""); print file ": " $0 >notes }
  /Compiling entry function/ {
    split($0, part, "\047")
    arch = part[4]
    entry[part[2], arch, file] = 1
  }
  /Function properties for/ { name = $NF }
  /bytes stack frame/ {
    key = name SUBSEP arch SUBSEP file
    if (!(key in stack)) order[++rows] = key
    stack[key] = $1
    spill[key] = $5 + $9
  }
  /: Used [0-9]+ registers/ {
    for (i = 1; i <= NF; ++i) {
      if ($i ~ /^registers/) registers[key] = $(i - 1)
      if ($i ~ /^smem/) shared[key] = $(i - 2)
    }
  }
  /^compiled in/ { milliseconds += $3; if ($3 > slowest) { slowest = $3; slow = file } }
  END {
    for (row = 1; row <= rows; ++row) {
      key = order[row]
      split(key, part, SUBSEP)
      if (!(key in entry) && stack[key] + spill[key] == 0) continue
      print part[1], part[2], (key in registers) ? registers[key] : "-", shared[key] + 0, stack[key], spill[key], part[3]
    }
    printf "cuda-report: %d files, %.1f s in all, slowest %s (%.1f s)\n",
      ARGC - 1, milliseconds / 1000, slow, slowest / 1000 >"/dev/stderr"
  }' "${logs[@]}" | demangle | sort -t $'\t' -k7,7 -k1,1 -k2,2 >"$table.new"
[[ -s $table.new ]] || fail "ptxas reported no kernel in $build"
{ printf 'kernel\tarch\tregisters\tshared\tstack\tspill\tfile\n' && cat "$table.new"; } >"$table"
rm "$table.new"

awk -F '\t' '
  NR == 1 { print "Static shared memory, stack and spills (stores + loads) in bytes; written by build/cuda-report.sh.\n" }
  { printf "| %s |", NR == 1 || $1 == "" ? $1 : "`" $1 "`"; for (i = 2; i <= NF; ++i) printf " %s |", $i; print "" }
  NR == 1 { print "| --- | --- | ---: | ---: | ---: | ---: | --- |" }' "$table" >"$out/cuda-kernels.md"

# ---- budget -----------------------------------------------------------------------------------------------------------

status=0
if [[ -s $notes ]]; then
  c++filt <"$notes" | sed 's/^/cuda-report: /' >&2
  status=1
fi
awk -F '\t' -v budget="$budget" '
  function complain(text) { print "cuda-report: " text > "/dev/stderr"; bad = 1 }
  function expression(pattern) { # a glob with * only, as a regular expression
    gsub(/[][\\.+?(){}|^$]/, "\\\\&", pattern)
    gsub(/\*/, ".*", pattern)
    return "^" pattern "$"
  }
  FILENAME == budget {
    if ($0 ~ /^#/ || $0 == "") next
    if (NF != 6 || $6 == "") { complain("budget row of " $1 " needs six columns and a reason"); next }
    ++budgets
    kernel[budgets] = $1; name[budgets] = expression($1); arch[budgets] = expression($2)
    ceiling[budgets] = $3; spills[budgets] = $4; stacks[budgets] = $5
    next
  }
  FNR == 1 { next }
  {
    spill = stack = 0; registers = "-"
    for (i = 1; i <= budgets; ++i)
      if ($1 ~ name[i] && $2 ~ arch[i]) { registers = ceiling[i]; spill = spills[i]; stack = stacks[i]; used[i] = 1 }
    where = $1 " (" $2 ", " $7 ")"
    if ($6 > spill + 0) complain(where " spills " $6 " bytes, " spill " are allowed")
    else if ($5 > stack + 0) complain(where " uses " $5 " bytes of local memory, " stack " are allowed")
    if (registers != "-" && $3 != "-" && $3 > registers + 0) complain(where " uses " $3 " registers, " registers " are allowed")
    ++rows
  }
  END {
    for (i = 1; i <= budgets; ++i) if (!(i in used)) complain("budget row " kernel[i] " names no kernel: remove it")
    printf "cuda-report: %d rows, %s\n", rows, bad ? "over budget" : "within budget"
    exit bad
  }' "$budget" "$table" || status=1
exit "$status"
