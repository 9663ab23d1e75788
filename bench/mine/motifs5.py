#!/usr/bin/env python3
"""All 5-vertex counts against truths.tsv, with the seconds they took.

    motifs5.py GALENA [--threads N] [GRAPH ...]

Runs 'MOTIFS 5' and 'MOTIFS 5 INDUCED' on each graph of GALENA_DATA_DIR (or those named), compares every row,
and prints a table in Markdown. Seconds are of the whole process, loading included: wall and CPU. Exit code 1
where a row disagrees.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

GRAPHS = ["fsm-citeseer", "ca-grqc", "p2p-gnutella31", "wiki-vote", "ca-astroph", "email-enron",
          "dblp-2010", "cit-hepph", "ego-facebook", "soc-epinions1"]


def truths(file):
    rows = {}
    for line in file.read_text().splitlines():
        if line and not line.startswith(("#", "graph\t")):
            graph, _, pattern, _, induced, count = line.split("\t")
            rows[graph, pattern, induced] = count
    return rows


def run(galena, graph, induced, threads):
    query = "MOTIFS 5 INDUCED" if induced else "MOTIFS 5"
    before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    text = subprocess.run([galena, "mine", graph, query, "--json", "--threads", str(threads)],
                          check=True, capture_output=True, text=True).stdout
    wall = time.monotonic() - clock
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(text), wall, cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("galena")
    parser.add_argument("graphs", nargs="*", default=GRAPHS)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_intermixed_args()
    known = truths(Path(os.environ["GALENA_DATA_DIR"]) / "truths.tsv")
    wrong = 0
    print("| graph | counts | engine | rows | right | wall s | CPU s |\n|---|---|---|---|---|---|---|")
    for graph in options.graphs:
        for induced in (False, True):
            result, wall, cpu = run(options.galena, graph, induced, options.threads)
            rows = [(row["pattern"], row["count"]) for row in result["queries"]]
            right = sum(known.get((graph, pattern, str(int(induced)))) == count for pattern, count in rows)
            wrong += len(rows) - right
            print(f"| {graph} | {'induced' if induced else 'edge-induced'} | {result['engine']} | {len(rows)} | {right} "
                  f"| {wall:.2f} | {cpu:.2f} |", flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
