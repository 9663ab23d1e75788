#!/usr/bin/env bash
# Runs a bundle of ./dev gpu-bundle on a machine with an NVIDIA GPU: the GPU tests, the same under compute-sanitizer, the
# benchmarks, mining against the CPU, and PyTorch Geometric where it is installed. Writes one JSON file, after ten minutes at
# most: what there is no time for is left out, and said.
#
#   gpu.sh [OUTPUT.json]          QUICK=1: smaller graphs
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
output=${1:-gpu.json}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# CUDA's libraries: the toolkit's, or those that come with PyTorch.
libraries() {
  local folder
  for folder in /usr/local/cuda/lib64 /usr/local/cuda-*/lib64 /usr/local/cuda/compat; do
    [ -d "$folder" ] && printf '%s:' "$folder"
  done
  command -v python3 >/dev/null && python3 - 2>/dev/null <<'PY'
import glob, site, sys
folders = site.getsitepackages() + [site.getusersitepackages()] + sys.path
print("".join(f + ":" for base in dict.fromkeys(folders) for f in sorted(glob.glob(base + "/nvidia/*/lib") + glob.glob(base + "/torch/lib"))), end="")
PY
}
cuda_libraries=$(libraries)
# For the bundle's programs alone: others, such as PyTorch, have libraries of their own.
own=(env "LD_LIBRARY_PATH=$here/lib:$cuda_libraries${LD_LIBRARY_PATH:-}")
export GALENA_CACHE_DIR="$work/cache"

quoted() { printf '"%s"' "$(printf '%s' "$1" | tr -d '\000-\037' | sed 's/[\\"]/\\&/g')"; }
fields=()
field() { fields+=("$(quoted "$1"): $2"); }

# step NAME COMMAND ...: its exit code, seconds, skipped cases and last line; 77: it found no GPU; 124: it took too long.
all=570 # seconds
step() {
  local name=$1 start code last limit=${LIMIT:-240}
  shift
  [ "$limit" -le $((all - SECONDS)) ] || limit=$((all - SECONDS))
  if [ "$limit" -lt 5 ]; then
    field "$name" '"no time left"'
    return 124
  fi
  start=$(date +%s.%N)
  timeout -k 5 "$limit" "$@" >"$work/$name.out" 2>"$work/$name.err"
  code=$?
  last=$(tail -qn 3 "$work/$name.out" "$work/$name.err" | grep -v '^ *$' | tail -n 1)
  echo "gpu.sh: $name: exit code $code" >&2
  [ "$code" -eq 0 ] || tail -n 15 "$work/$name.out" "$work/$name.err" >&2
  field "$name" "{\"exit_code\": $code, \"seconds\": $(awk "BEGIN {printf \"%.3f\", $(date +%s.%N) - $start}"), \"skipped\": $(grep -c '^SKIPPED' "$work/$name.out"), \"last\": $(quoted "$last")}"
  return "$code"
}

# object NAME COMMAND ...: what it prints is JSON.
object() {
  local name=$1
  step "run: $name" "${@:2}" && field "$name" "$(cat "$work/run: $name.out")"
}

field date "$(quoted "$(date -u +%Y-%m-%dT%H:%M:%SZ)")"
field device "$(quoted "$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -n 1)")"
field host "$(quoted "$(grep -m 1 'model name' /proc/cpuinfo | cut -d: -f2), $(nproc) cores")"
field version "$(cat "$here/version.json" 2>/dev/null || echo '""')"

for test in "$here"/test_*; do step "$(basename "$test")" "${own[@]}" "$test"; done

sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer 2>/dev/null | head -n 1)
if [ -n "$sanitizer" ]; then
  maps='dropout*,losses*,steps*,normalisations*,sums of columns*,gathered rows*'
  sums='rows stored in bf16*,sparse features*,attention*,device: hyperedges*,products of sampled*'
  checked() {  # TOOL[,OPTION ...] PROGRAM CASES
    local tool=${1%%,*} options=${1#"${1%%,*}"}
    LIMIT=45 step "$2, $tool: ${3%%\**}" "${own[@]}" "$sanitizer" --tool "$tool" ${options//,/ } --error-exitcode 9 "$here/$2" "$3"
  }
  for tool in memcheck,--leak-check=full racecheck; do
    checked "$tool" test_cuda "$maps"
    checked "$tool" test_cuda "$sums"
    checked "$tool" test_mine_cuda 'labels*'
  done
  checked memcheck,--leak-check=full test_cuda 'a replay does*,batch normalisation on a device*'
  checked synccheck test_cuda "$sums"
  checked synccheck test_mine_cuda 'labels*'
  checked initcheck test_cuda "$sums"
else
  field "compute-sanitizer" '"not found"'
fi

object bench "${own[@]}" "$here/bench_gpu" ${QUICK:+--quick}

# Mining: the same count on both, and the times.
step generate "${own[@]}" "$here/galena" generate rmat "$([ -n "${QUICK:-}" ] && echo 14 || echo 17)" --edge-factor 8 --seed 7 -o "$work/rmat.gal"
for query in triangle 'clique(4)' 'clique(5)' diamond 'cycle(4)' 'MOTIFS 4'; do
  for device in cuda cpu; do
    object "mine $query, $device" "${own[@]}" "$here/galena" mine "$work/rmat.gal" "$query" --device "$device" --json
  done
done

# Parts that have a GPU each: the same run by either transport, to the bit.
visible=${CUDA_VISIBLE_DEVICES-$(nvidia-smi --query-gpu=index --format=csv,noheader 2>/dev/null | paste -sd ,)}
if [[ $visible == *,* ]]; then
  for transport in threads nccl; do
    step "train two parts, $transport" "${own[@]}" "$here/galena" train karate --parts 2 --norm batch --device cuda \
      --transport "$transport" --metrics "$work/$transport.jsonl"
  done
  losses() { grep -o '"loss": *[^,}]*' "$work/$1.jsonl" 2>/dev/null; }
  field "train two parts: losses" "$([ -n "$(losses nccl)" ] && [ "$(losses threads)" = "$(losses nccl)" ] && echo '"the same"' || echo '"NOT the same"')"
else
  field "train two parts" '"fewer than two GPUs"'
fi

# Lanes that are active, of all lanes, over the instructions that the mining kernels execute.
profiler=$(command -v ncu || ls /usr/local/cuda*/bin/ncu 2>/dev/null | head -n 1)
threads=smsp__thread_inst_executed.sum warps=smsp__inst_executed.sum
lanes_active() {
  awk -F'","' -v threads="$threads" -v warps="$warps" '
    NF < 3 { next }
    { value = $NF; gsub(/[",\r]/, "", value); metric = $(NF - 2) }
    metric == threads { lanes += value; ++kernels }
    metric == warps { all += 32 * value }
    END { if (all > 0) printf "{\"kernels\": %d, \"share\": %.4f}", kernels, lanes / all; else printf "null" }' "$1"
}
if [ -n "$profiler" ]; then
  for query in triangle 'clique(4)' 'clique(5)' 'MOTIFS 4'; do
    LIMIT=120 step "lanes of $query" "${own[@]}" "$profiler" --csv --kernel-name regex:galena_ --metrics "$threads,$warps" \
      "$here/galena" mine "$work/rmat.gal" "$query" --device cuda &&
      field "lanes active, $query" "$(lanes_active "$work/lanes of $query.out")"
  done
else
  field "lanes active" '"ncu not found"'
fi

if python3 -c 'import torch_geometric' 2>/dev/null; then
  object pyg python3 "$here/gpu_pyg.py"
else
  field pyg '"PyTorch Geometric is not installed"'
fi

{
  printf '{\n'
  for ((k = 0; k < ${#fields[@]}; ++k)); do
    printf ' %s%s\n' "${fields[k]}" "$([ $((k + 1)) -lt ${#fields[@]} ] && echo ,)"
  done
  printf '}\n'
} >"$output"
echo "gpu.sh: wrote $output" >&2
