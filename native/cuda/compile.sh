#!/usr/bin/env bash
# Runs one nvcc command. What ptxas says is not shown but kept beside the object, as <object>.ptxas for build/cuda-report.sh.
# A C75xx remark means that ptxas made wgmma serial or ignored setmaxnreg: the kernel would be right but slow, so it is an error.
set -uo pipefail

object=
for ((i = 1; i < $#; i++)); do
  [[ ${!i} != -o ]] || { next=$((i + 1)) && object=${!next}; }
done
log=${object:?compile.sh: no -o in the command}.ptxas

begin=${EPOCHREALTIME/[.,]/}
"$@" 2>"$log"
code=$?
if [[ $code -ne 0 ]]; then
  cat "$log" >&2
elif grep -E '\(C75[0-9][0-9]\)' "$log" >&2; then
  printf 'error: ptxas did not pipeline wgmma as written\n' >&2
  code=1
else
  # What is not ptxas's report stays visible; spills and local memory are judged by the report, against its budget.
  grep -vE '^ptxas (info|warning) *:|^ +[0-9]+ bytes stack frame|^$' "$log" >&2
fi
[[ $code -eq 0 ]] || rm -f "$object"
printf 'compiled in %d ms\n' $(((${EPOCHREALTIME/[.,]/} - begin) / 1000)) >>"$log"
exit "$code"
