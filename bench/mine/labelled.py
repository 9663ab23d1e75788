#!/usr/bin/env python3
"""Labelled queries of a collection, each in a process of its own under a time limit.

    labelled.py GALENA [FOLDER] [--count] [--limit 100000] [--seconds 60] [--threads 2]

FOLDER (default: $GALENA_DATA_DIR/sm-human) holds a labelled graph and queries.txt.gz. Each query is listed up to
--limit matches, or with --count all its maps are counted where expected_counts.tsv has an exact number, which is
compared. Prints how many ended within the limit, and the seconds of whole processes, loading included. Exit code 1
where a count is wrong.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def exact_counts(folder):
    rows = (line.split("\t") for line in (folder / "expected_counts.tsv").read_text().splitlines())
    return {row[0]: row[1] for row in rows if len(row) == 3 and row[2].startswith("exact")}


def query_graphs(file):
    """Name and text of each."""
    graphs = {}
    for line in gzip.open(file, "rt"):
        if line.startswith("q "):
            name = line.split()[1]
            graphs[name] = ""
        if not line.startswith("#"):
            graphs[name] += line
    return graphs


def run(arguments, seconds):
    """The process's output, or None where it was ended by the limit; seconds."""
    start = time.monotonic()
    try:
        done = subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return None, time.monotonic() - start
    return json.loads(done.stdout), time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("galena")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(os.environ.get("GALENA_DATA_DIR", ".")) / "sm-human")
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--limit", type=int, default=100000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    expected = exact_counts(options.folder)
    times, inside, ended, right, wrong = [], [], 0, 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        for name, text in query_graphs(options.folder / "queries.txt.gz").items():
            if options.count and name not in expected:
                continue
            file = Path(scratch) / "query.graph"
            file.write_text(text)
            command = [options.galena, "mine", str(options.folder), "--file", str(file), "--json",
                       "--threads", str(options.threads)]
            if not options.count:
                command += [f"LIST {name} LIMIT {options.limit}", "--output", str(Path(scratch) / "rows.bin")]
            result, seconds = run(command, options.seconds)
            times.append(seconds)
            if result is None:
                print(f"{name}: not ended after {seconds:.0f} s", flush=True)
                continue
            ended += 1
            query = result["queries"][0]
            inside.append(query["seconds"] + query["plan_seconds"])
            if options.count:
                same = query["count"] == expected[name]
                right, wrong = right + same, wrong + (not same)
    times.sort()
    print(f"{options.folder.name}: {ended} of {len(times)} ended within {options.seconds:g} s; processes: median "
          f"{times[len(times) // 2]:.3f} s, worst {times[-1]:.3f} s; planning and running alone: sum {sum(inside):.2f} s, "
          f"worst {max(inside, default=0):.4f} s" + (f"; {right} counts right, {wrong} wrong" if options.count else ""))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
