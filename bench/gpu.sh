#!/usr/bin/env bash
# Runs a bundle of ./dev gpu-bundle on a machine with an NVIDIA GPU: the GPU tests, the benchmarks, PyTorch Geometric where
# it is installed, mining against the CPU, lanes that are active, and the tests again under compute-sanitizer. Writes one
# JSON file, anew after each step, after ten minutes at most: what there is no time for is left out, and said. What failed
# stands in the .log beside it.
#
#   gpu.sh [OUTPUT.json]          TOTAL=570: seconds; QUICK=1: smaller graphs;
#                                 STEPS="tests bench pyg mine parts lanes sanitizer": these alone
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
output=${1:-gpu.json}
log=${output%.json}.log
total=${TOTAL:-570}
steps=${STEPS:-tests bench pyg mine parts lanes sanitizer}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$log"

# --- the file: fields in the order in which they first came

declare -A fields=()
names=() keys=()
quoted() { printf '"%s"' "$(printf '%s' "$1" | tr '\t\n' '  ' | tr -d '\000-\037' | sed 's/[\\"]/\\&/g')"; }
field() {
  [ -n "${fields[$1]+there}" ] || { names+=("$1") && keys+=("$(quoted "$1")"); }
  fields[$1]=$2
  local k separator='{'
  {
    for ((k = 0; k < ${#names[@]}; ++k)); do
      printf '%s\n %s: %s' "$separator" "${keys[k]}" "${fields[${names[k]}]}"
      separator=,
    done
    printf '\n}\n'
  } >"$output.part" && mv "$output.part" "$output"
}

# sections FILE: lines {"section":"NAME",...} as one object, with an array of rows a section. A line that was cut off is
# left out.
sections() {
  if [ -z "$(tail -c 1 "$1")" ]; then cat "$1"; else sed '$d' "$1"; fi | awk '
    BEGIN { ORS = "" }
    match($0, /^[{]"section":"[^"]*",/) && /[}]$/ {
      name = substr($0, 13, RLENGTH - 14)
      if (!(name in rows)) order[++count] = name
      rows[name] = rows[name] (rows[name] == "" ? "" : ",\n   ") "{" substr($0, RLENGTH + 1)
    }
    END {
      print "{"
      for (k = 1; k <= count; ++k) print (k > 1 ? "," : "") "\n  \"" order[k] "\": [\n   " rows[order[k]] "]"
      print "}"
    }'
}

targets() {
  command -v python3 >/dev/null || return 0
  local found
  found=$(python3 "$here/gpu_targets.py" "$output" 2>>"$log") && field targets "$found"
}

# --- steps

# share PERCENT: the steps from here to the next share have so much of the time, if it is left.
share() { until=$((SECONDS + total * $1 / 100)); }
share 100

last_line() { tail -n 3 "$1" | grep -v '^ *$' | tail -n 1; }

# step NAME COMMAND ...: its exit code, seconds, skipped cases and last lines; 77: it found no GPU; 124: it took too long.
# LIMIT: seconds, at most those of the share.
step() {
  local name=$1 start code seconds limit=${LIMIT:-$total}
  shift
  [ "$limit" -le $((until - SECONDS)) ] || limit=$((until - SECONDS))
  [ "$limit" -le $((total - SECONDS)) ] || limit=$((total - SECONDS))
  if [ "$limit" -lt 3 ]; then
    field "$name" '"no time left"'
    return 124
  fi
  start=$(date +%s.%N)
  timeout -k 5 "$limit" "$@" >"$work/$name.out" 2>"$work/$name.err"
  code=$?
  seconds=$(awk "BEGIN {printf \"%.3f\", $(date +%s.%N) - $start}")
  echo "gpu.sh: $name: exit code $code" >&2
  [ "$code" -eq 0 ] || tail -n 300 "$work/$name.out" "$work/$name.err" | tee -a "$log" | tail -n 15 >&2
  field "$name" "{\"exit_code\": $code, \"seconds\": $seconds, \"skipped\": $(grep -c '^SKIPPED' "$work/$name.out"), \"last\": $(quoted "$(last_line "$work/$name.out")"), \"last_error\": $(quoted "$(last_line "$work/$name.err")")}"
  return "$code"
}

# object NAME COMMAND ...: what it prints is one JSON object.
object() {
  local printed
  step "run: $1" "${@:2}" || return
  printed=$(cat "$work/run: $1.out")
  if [[ $printed == '{'*'}' ]]; then field "$1" "$printed"; fi
}

# rows NAME COMMAND ...: it prints lines for sections, of which those that came are kept.
rows() {
  step "run: $1" "${@:2}"
  if [ -s "$work/run: $1.out" ]; then field "$1" "$(sections "$work/run: $1.out")"; fi
}

wanted() { [[ " $steps " == *" $1 "* ]]; }

# --- the device

# CUDA's libraries: the toolkit's, or those that come with PyTorch.
roots=(${CUDA_HOME:+"$CUDA_HOME"} /usr/local/cuda /usr/local/cuda-*)
libraries() {
  local root
  for root in "${roots[@]}"; do
    [ -d "$root/lib64" ] && printf '%s:' "$root/lib64"
  done
  command -v python3 >/dev/null && python3 - 2>/dev/null <<'PY'
import glob, site, sys
folders = site.getsitepackages() + [site.getusersitepackages()] + sys.path
print("".join(f + ":" for base in dict.fromkeys(folders) for f in sorted(glob.glob(base + "/nvidia/*/lib") + glob.glob(base + "/torch/lib"))), end="")
PY
}
find_tool() {
  local root
  command -v "$1" && return
  for root in "${roots[@]}"; do
    if [ -x "$root/bin/$1" ]; then echo "$root/bin/$1" && return; fi
  done
}
cuda_libraries=$(libraries)

# probe FOLDERS: whether the device runs a kernel with these before all others. `own` is for the bundle's programs alone:
# others, such as PyTorch, have libraries of their own.
probe() {
  own=(env "LD_LIBRARY_PATH=$here/lib:$1$cuda_libraries${LD_LIBRARY_PATH:-}")
  LIMIT=90 step probe "${own[@]}" "$here/bench_gpu" --devices
}

# A driver that is older than CUDA's runtime may run it by a libcuda of the toolkit's. With a driver as new that one fails.
find_device() {
  local root
  probe "" && return
  grep -q 'driver version is insufficient' "$work/probe.err" || return
  for root in "${roots[@]}"; do
    if [ -d "$root/compat" ]; then probe "$root/compat:" && field compat "$(quoted "$root/compat")" && return; fi
  done
  return 1
}

export GALENA_CACHE="$work/cache"
if [ -d "$here/data" ]; then export GALENA_DATA_DIR="$here/data"; fi
field date "$(quoted "$(date -u +%Y-%m-%dT%H:%M:%SZ)")"
field device "$(quoted "$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -n 1)")"
field host "$(quoted "$(grep -m 1 'model name' /proc/cpuinfo | cut -d: -f2), $(nproc) cores")"
field version "$(cat "$here/version.json" 2>/dev/null || echo '""')"
field targets '"not computed"'
if ! find_device; then
  { nvidia-smi; ldconfig -p | grep libcuda; printf '%s\n' "LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}"; } >>"$log" 2>&1
  echo "gpu.sh: no device answers; see $output and $log" >&2
  exit 77
fi

# --- what is run

if wanted tests; then
  for test in test_cuda test_mine_cuda; do
    share 21
    step "$test" "${own[@]}" "$here/$test"
  done
fi

if wanted bench; then
  share 24
  rows bench "${own[@]}" "$here/bench_gpu" ${QUICK:+--quick}
  targets
fi

if wanted pyg; then
  share 10
  if python3 -c 'import torch_geometric' 2>/dev/null; then
    rows pyg python3 "$here/gpu_pyg.py" ${QUICK:+--quick}
    targets
  else
    field pyg '"PyTorch Geometric is not installed"'
  fi
fi

# Mining: the same count on both, and the times. Of two runs each: in the first, kernels are compiled and the graph is
# copied.
if wanted mine || wanted lanes; then
  share 13
  step generate "${own[@]}" "$here/galena" generate rmat "$([ -n "${QUICK:-}" ] && echo 14 || echo 17)" --edge-factor 8 --seed 7 -o "$work/rmat.gal"
fi
queries=(triangle 'clique(4)' 'clique(5)' diamond 'cycle(4)' 'MOTIFS 4')
mine() {  # GRAPH [NAME]
  local query device
  for query in "${queries[@]}"; do
    for device in cuda cpu; do
      LIMIT=30 object "mine $query${2:+ on $2}, $device" "${own[@]}" "$here/galena" mine "$1" "$query" "$query" --device "$device" --json
    done
  done
}
if wanted mine; then
  mine "$work/rmat.gal"
  for graph in ego-twitter web-notredame; do  # over a million edges
    if [ -d "$here/data/$graph" ]; then mine "$graph" "$graph"; fi
  done
  targets
fi

# Parts that have a GPU each: the same run by either transport, to the bit.
visible=${CUDA_VISIBLE_DEVICES-$(nvidia-smi --query-gpu=index --format=csv,noheader 2>/dev/null | paste -sd ,)}
if wanted parts && [[ $visible == *,* ]]; then
  share 10
  for transport in threads nccl; do
    step "train two parts, $transport" "${own[@]}" "$here/galena" train karate --parts 2 --norm batch --device cuda \
      --transport "$transport" --metrics "$work/$transport.jsonl"
  done
  losses() { grep -o '"loss": *[^,}]*' "$work/$1.jsonl" 2>/dev/null; }
  field "train two parts: losses" "$([ -n "$(losses nccl)" ] && [ "$(losses threads)" = "$(losses nccl)" ] && echo '"the same"' || echo '"NOT the same"')"
elif wanted parts; then
  field "train two parts" '"fewer than two GPUs"'
fi

# Lanes that are active, of all lanes, over the instructions that the mining kernels execute. Clocks stay as they are.
profiler=$(find_tool ncu)
threads=smsp__thread_inst_executed.sum warps=smsp__inst_executed.sum
lanes_active() {
  awk -F'","' -v threads="$threads" -v warps="$warps" '
    NF < 3 { next }
    { value = $NF; gsub(/[",\r]/, "", value); metric = $(NF - 2) }
    metric == threads { lanes += value; ++kernels }
    metric == warps { all += 32 * value }
    END { if (all > 0) printf "{\"kernels\": %d, \"share\": %.4f}", kernels, lanes / all; else printf "null" }' "$1"
}
if wanted lanes && [ -n "$profiler" ]; then
  share 11
  for query in triangle 'clique(4)' 'clique(5)' 'MOTIFS 4'; do
    LIMIT=40 step "lanes of $query" "${own[@]}" "$profiler" --csv --clock-control none --kernel-name regex:galena_ \
      --metrics "$threads,$warps" "$here/galena" mine "$work/rmat.gal" "$query" --device cuda &&
      field "lanes active, $query" "$(lanes_active "$work/lanes of $query.out")"
  done
  targets
elif wanted lanes; then
  field "lanes active" '"ncu not found"'
fi

# The tests again, checked, for as long as there is time; the most telling first.
sanitizer=$(find_tool compute-sanitizer)
checked() {  # TOOL[,OPTION ...] PROGRAM CASES
  local tool=${1%%,*} options=${1#"${1%%,*}"}
  LIMIT=60 step "$2, $tool: ${3%%\**}" "${own[@]}" "$sanitizer" --tool "$tool" ${options//,/ } --error-exitcode 9 "$here/$2" "$3"
}
if wanted sanitizer && [ -n "$sanitizer" ]; then
  share 100
  maps='dropout*,losses*,steps*,normalisations*,sums of columns*,gathered rows*'
  sums='rows stored in bf16*,sparse features*,attention*,device: hyperedges*,products of sampled*'
  checked memcheck test_cuda "$sums"
  checked memcheck test_mine_cuda 'labels*'
  checked racecheck test_cuda "$sums"
  checked racecheck test_mine_cuda 'labels*'
  checked memcheck,--leak-check=full test_cuda 'a replay does*,batch normalisation on a device*'
  checked memcheck test_cuda "$maps"
  checked racecheck test_cuda "$maps"
  checked synccheck test_cuda "$sums"
  checked synccheck test_mine_cuda 'labels*'
  checked initcheck test_cuda "$sums"
elif wanted sanitizer; then
  field "compute-sanitizer" '"not found"'
fi

targets
field seconds "$SECONDS"
echo "gpu.sh: wrote $output" >&2
