#!/usr/bin/env bash
# Trains the same model over slow links, once for each way of sending messages, and prints throughput.
# Four MPI ranks sit in four network namespaces on this machine (links.sh). Needs root, iproute2 and Open MPI;
# says so and ends with 77 where it cannot run.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/links.sh"

usage() {
  cat <<'EOT'
run.sh [OPTIONS] DATASET [-- TRAIN OPTIONS]
  --galena F      the command (build/release/galena)
  --rates LIST    link rates as tc writes them, "none" for unshaped ("none 200mbit")
  --ranks N       ranks, each a namespace (4)
  --repeats N     rounds through all settings (3)
  --setting S     "NAME: OPTIONS" of galena train; repeat it; the first is the base of the ratios
                  (default: fp32, bf16, 8, 4 and 2 bits, adaptive)
  --json F        writes every run and the medians there
TRAIN OPTIONS are given to every run: --model sage --epochs 30 ...
EOT
}

galena=build/release/galena rates="none 200mbit" ranks=4 repeats=3 json= dataset=
settings=()
while [ $# -gt 0 ]; do
  case $1 in
    --galena) galena=$2; shift 2 ;;
    --rates) rates=$2; shift 2 ;;
    --ranks) ranks=$2; shift 2 ;;
    --repeats) repeats=$2; shift 2 ;;
    --setting) settings+=("$2"); shift 2 ;;
    --json) json=$2; shift 2 ;;
    --help | -h) usage; exit 0 ;;
    --) shift; break ;;
    -*) usage >&2; exit 2 ;;
    *) dataset=$1; shift ;;
  esac
done
[ -n "$dataset" ] || { usage >&2; exit 2; }
[ ${#settings[@]} -gt 0 ] || settings=("fp32: --message-bits 32" "bf16: --message-bits 16" "8 bits: --message-bits 8"
  "4 bits: --message-bits 4" "2 bits: --message-bits 2" "adaptive: --message-bits adaptive")

why=$(links_missing)
if [ -n "$why" ]; then
  echo "bench/links: skipped: $why" >&2
  exit 77
fi
[ -x "$galena" ] || { echo "run.sh: no command at $galena; build it or say --galena" >&2; exit 2; }

export OMP_NUM_THREADS=1
records=$(mktemp)
trap 'links_down; rm -f "$records" "$records".*' EXIT
links_up "$ranks"

if mpicxx -O2 -std=c++20 -o "$records.ping" "$here/ping.cpp" 2>/dev/null; then
  for rate in $rates; do
    links_shape "$rate"
    printf '{"rate": "%s", "ping": %s}\n' "$rate" "$(links_run "$records.ping" 8 2>/dev/null)" >>"$records"
  done
fi

for round in $(seq 1 "$repeats"); do
  for rate in $rates; do
    links_shape "$rate"
    for setting in "${settings[@]}"; do
      name=${setting%%:*}
      read -ra options <<<"${setting#*:}"
      echo "run.sh: round $round, rate $rate, $name" >&2
      if result=$(links_run "$galena" train "$dataset" --transport mpi --parts "$ranks" --threads 1 --json "$@" \
        "${options[@]}" 2>"$records.error"); then
        printf '{"rate": "%s", "setting": "%s", "round": %d, "result": %s}\n' "$rate" "$name" "$round" \
          "$(tr -d '\n' <<<"$result")" >>"$records"
      else
        echo "run.sh: $name failed: $(tail -3 "$records.error")" >&2
        exit 1
      fi
    done
  done
done
python3 "$here/table.py" "$records" ${json:+--json "$json"}
