#!/usr/bin/env python3
"""Test scores of lossy messages beside full rate in fp32: the mean difference over seeds, paired, with its standard error.

    lossy.py --galena PATH [--data FOLDER] [--sets A,B] [--parts 2,4,8] [--seeds 10] [--json F]

Each set is trained by bench/train/configs/SET-MODEL.toml. Payload and parameters (scales, zero points) are the bytes of
an epoch over those of full rate.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SETS = "amazon-photo,facebook-pages,coauthor-physics"
MODES = {
    "full": [],
    "rate .1": ["--boundary-rate", "0.1"],
    "4 bits": ["--message-bits", "4"],
    "2 bits": ["--message-bits", "2"],
    "adaptive": ["--message-bits", "adaptive"],
    "budget 5%": ["--byte-budget", "0.05"],
}


def train(args, name, parts, mode, seed):
    config = HERE / "configs" / f"{name}-{args.model}.toml"
    command = [args.galena, "train", str(Path(args.data) / name), "--config", str(config), "--parts", str(parts),
               "--seed", str(seed), "--json", "--quiet", *MODES[mode], *args.option]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout)


def bytes_of(result):
    return result["bytes_per_epoch"]["payload"], result["bytes_per_epoch"]["parameters"]


def compare(args, name, parts):
    """One row a mode, against full rate with the same seeds."""
    rows, full = [], None
    for mode in args.modes.split(","):
        runs = [train(args, name, parts, mode, seed) for seed in range(args.seeds)]
        full = full or runs
        scores = [100 * run["test"] for run in runs]
        lost = [100 * base["test"] - score for base, score in zip(full, scores)]
        error = statistics.stdev(lost) / math.sqrt(len(lost)) if len(lost) > 1 else 0
        payload, parameters = bytes_of(runs[0])
        row = {"dataset": name, "parts": parts, "mode": mode, "test": statistics.mean(scores),
               "lost": statistics.mean(lost), "standard_error": error,
               "payload_share": payload / bytes_of(full[0])[0],
               "bytes_share": (payload + parameters) / bytes_of(full[0])[0]}
        rows.append(row)
        print(f"{name:<20} {parts:>5} {mode:<10} {row['test']:>7.2f} {row['lost']:>7.2f} +- {error:<5.2f}"
              f" {100 * row['payload_share']:>8.2f}% {100 * row['bytes_share']:>8.2f}%", flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--galena", required=True)
    parser.add_argument("--data", default=os.environ.get("GALENA_DATA_DIR", "."))
    parser.add_argument("--sets", default=SETS)
    parser.add_argument("--model", default="gcn")
    parser.add_argument("--parts", default="2,4,8")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--option", action="append", default=[], help="passed to galena train, e.g. --option=--epochs=100")
    parser.add_argument("--json")
    args = parser.parse_args()
    print(f"{'dataset':<20} {'parts':>5} {'mode':<10} {'test':>7} {'lost':>7}          {'payload':>8}  {'+ param.':>8}")
    rows = []
    for name in args.sets.split(","):
        for parts in args.parts.split(","):
            rows += compare(args, name, int(parts))
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
