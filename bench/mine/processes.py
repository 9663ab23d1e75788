#!/usr/bin/env python3
"""Two MPI processes of one thread beside one, and a run of which one process is killed.

    processes.py GALENA [--graph wiki-vote] [--repeats 5]

Prints the median times of a long query and their ratio; then kills a process of a longer one, runs the same command
again with --resume, and checks that the count is that of an undisturbed run.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

LONG = "COUNT (a)--(b)--(c)--(d)--(a), (a)!-(c), (b)!-(d), (a)--(e)--(b)"
LONGER = "COUNT (a)--(b)--(c)--(d)--(a), (a)!-(c), (b)!-(d), (a)--(e)--(b), (e)--(f)"


def command(args, processes, query, *options):
    ranks = ["mpirun", "--allow-run-as-root", "--bind-to", "none", "-np", str(processes)] if processes > 1 else []
    one = [args.galena, "mine", args.graph, query, "--engine", "jit", "--threads", "1", "--json", "--quiet"]
    return [*ranks, *one, *options]


def run(*parts):
    done = subprocess.run(command(*parts), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{done.args}\n{done.stderr}")
    return json.loads(done.stdout)["queries"][0]


def speed(args):
    times = {1: [], 2: []}
    balance = []
    for _ in range(args.repeats):
        for processes, seconds in times.items():
            result = run(args, processes, LONG)
            seconds.append(result["seconds"])
            balance.append(result.get("balance", 1))
    one, two = (statistics.median(times[k]) for k in (1, 2))
    print(f"{args.graph}, {LONG}\none process {one:.3f} s, two {two:.3f} s: {one / two:.2f}x, "
          f"the busiest of them {max(balance):.3f} times the mean")


def children(pid):
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return [int(each) for each in found] + [deeper for each in found for deeper in children(int(each))]


def killed(args):
    whole = run(args, 2, LONGER)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run")
        process = subprocess.Popen(command(args, 2, LONGER, "--resume", path), stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        while process.poll() is None and not os.path.exists(path + ".rank1"):
            time.sleep(0.05)
        time.sleep(0.5)
        ranks = [pid for pid in children(process.pid) if "galena" in open(f"/proc/{pid}/comm").read()]
        if process.poll() is not None or not ranks:
            sys.exit("the run ended before it could be killed: take a larger graph")
        os.kill(ranks[-1], signal.SIGKILL)
        process.wait()
        again = run(args, 2, LONGER, "--resume", path)
    same = again["count"] == whole["count"]
    print(f"{LONGER}\n{whole['count']} in {whole['seconds']:.1f} s; after a kill {again['count']}, "
          f"in {again['seconds']:.1f} s more: {'nothing is lost' if same else 'WRONG'}")
    return same


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("galena")
    parser.add_argument("--graph", default="wiki-vote")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    speed(args)
    sys.exit(0 if killed(args) else 1)


if __name__ == "__main__":
    main()
