#!/usr/bin/env python3
"""Patterns of 6 and 7 vertices on soc-epinions1, each counted by a second route too.

    hard_patterns.py GALENA SECOND_ROUTE [--threads N] [--cuts]

GALENA is the command, SECOND_ROUTE the benchmark beside it (bench/mine). The second route is a formula over pairs of
vertices where second_route has one (some minutes for all of them together); for the others, with --cuts, algebra that
takes the same quotients apart in other ways. Each pattern is also counted on ca-grqc and fsm-citeseer by algebra and by
enumeration. Prints a table in Markdown; exit code 1 where two counts differ.
"""

import argparse
import json
import subprocess
import sys

GRAPH, SMALL = "soc-epinions1", ["fsm-citeseer", "ca-grqc"]
PATTERNS = {
    "cycle(6)": "cycle(6)",
    "theta(2,2,3)": "theta(2,2,3)",
    "ladder(3)": "ladder(3)",
    "theta(2,2,2,3)": "0-2 2-1 0-3 3-1 0-4 4-1 0-5 5-6 6-1",
    "theta(1,2,2,2,3)": "0-1 0-2 2-1 0-3 3-1 0-4 4-1 0-5 5-6 6-1",
    "K(2,5)": "K(2,5)",
    "path(7)": "path(7)",
    "cycle(7)": "cycle(7)",
    "two cycle(4) at a vertex": "0-1 1-2 2-3 3-0 0-4 4-5 5-6 6-0",
    "theta(2,3,3)": "theta(2,3,3)",
}
ENUMERATION_SECONDS = 120


def galena(options, graph, pattern, *more, limit=None):
    """Count and seconds of planning and running; nothing where the limit ended it."""
    command = [options.galena, "mine", graph, f"COUNT {pattern}", "--json", "--quiet",
               "--threads", str(options.threads)]
    try:
        done = subprocess.run(command + list(more), check=True, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return None, limit
    row = json.loads(done.stdout)["queries"][0]
    return row["count"], row["plan_seconds"] + row["seconds"]


def second_counts(options):
    """By pattern: (route, count)."""
    def run(patterns):
        text = subprocess.run([options.second_route, GRAPH] + patterns, check=True, capture_output=True, text=True).stdout
        return [line.split("\t") for line in text.splitlines()]
    rows = run([])
    if options.cuts:
        known = {pattern for pattern, *_ in rows}
        rows += run([text for text in PATTERNS.values() if text not in known])
    found = {}
    for pattern, route, count, _ in rows:
        found.setdefault(pattern, []).append((route, count))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("galena")
    parser.add_argument("second_route")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cuts", action="store_true", help="Other cuts for what no formula is known of")
    options = parser.parse_args()
    wrong = 0
    timed = {name: galena(options, GRAPH, text) for name, text in PATTERNS.items()}
    others = second_counts(options)
    print("| pattern | count | s | second route | enumerated on small graphs |\n|---|---|---|---|---|")
    for name, text in PATTERNS.items():
        count, seconds = timed[name]
        routes = others.get(text, [])
        wrong += sum(other != count for _, other in routes)
        said = ", ".join(f"{route}: {'equal' if other == count else other}" for route, other in routes) or "none"
        checks = []
        for graph in SMALL:
            enumerated, _ = galena(options, graph, text, "--engine", "jit", limit=ENUMERATION_SECONDS)
            algebra, _ = galena(options, graph, text)
            wrong += enumerated is not None and enumerated != algebra
            checks.append(f"{graph}: " + ("not ended" if enumerated is None else
                                          "equal" if enumerated == algebra else f"{enumerated}, not {algebra}"))
        print(f"| {name} | {count} | {seconds:.2f} | {said} | {', '.join(checks)} |", flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
