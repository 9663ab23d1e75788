#!/usr/bin/env python3
"""FREQUENT against two programs that mine frequent patterns, all in one run: answers compared, seconds side by side.

    frequent.py GALENA --graphset DIR --peregrine DIR [--graphs NAME...] [--runs 5] [--threads 2] [--json FILE]

The folders hold the programs as their authors' builds leave them: somewhere in GraphSet's `fsm_test`, in Peregrine's
`fsm` and `convert_data`. GraphSet tells how many patterns of the greatest size are frequent, Peregrine all of that size
with their supports; Galena's patterns must equal the second, and their number the first: GraphSet's may be greater,
since it counts some patterns with alike vertices twice. GraphSet is compared with EXISTS, Peregrine with exact
supports. The programs take turns, a process a run, in which Galena answers the query twice: what a process does for
the first time costs more. What counts are the seconds that a program prints for itself, loading and ordering the
graph by labels left out. Vertex labels only; a graph without labels gets 10 random ones. Prints a table in Markdown,
medians, with how many times Galena's second and first answer the peers take; exit code 1 where answers differ.
"""

import argparse
import itertools
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

LABELS = 10
#: By graph: (greatest number of edges, support).
QUERIES = {
    "fsm-citeseer": [(1, 100), (2, 100), (3, 100), (3, 200), (3, 300), (4, 100), (4, 200)],
    "wiki-vote": [(2, 300), (3, 300)],
    "email-enron": [(2, 500), (2, 800), (3, 800)],
}


def said(command, limit, **environment):
    """What it printed, or None where the limit ended it."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=limit,
                              env=dict(os.environ, **environment)).stdout
    except subprocess.TimeoutExpired:
        return None


def program(folder, name):
    found = [path for path in sorted(folder.rglob(name)) if path.is_file() and os.access(path, os.X_OK)]
    if not found:
        sys.exit(f"{folder}: there is no program {name}; build it there first")
    return str(found[0])


def canonical(labels, edges):
    """Equal for isomorphic patterns: the least of all ways to number the vertices."""
    orders = itertools.permutations(range(len(labels)))
    return min((tuple(labels[v] for v in order),
                tuple(sorted(tuple(sorted((order.index(u), order.index(v)))) for u, v in edges))) for order in orders)


def numbered(named_edges, label_of):
    names = sorted(label_of)
    return canonical([label_of[name] for name in names], [(names.index(u), names.index(v)) for u, v in named_edges])


def from_galena(text):
    """A pattern in Galena's language, of paths alone."""
    labels, edges = {}, []
    for path in text.split(", "):
        names = []
        for name, label in re.findall(r"\((\w+)(?::(\d+))?\)", path):
            labels.setdefault(name, label)
            names.append(name)
        edges += zip(names, names[1:])
    return numbered(edges, labels)


def from_peregrine(text):
    ends = re.findall(r"\[(\d+),(\d+)-(\d+),(\d+)\]", text)
    labels = dict([end[:2] for end in ends] + [end[2:] for end in ends])
    return numbered([(end[0], end[2]) for end in ends], labels)


class Graph:
    """One graph in each program's format, in a scratch folder."""

    def __init__(self, options, name, scratch):
        self.options = options
        self.galena_input = scratch / f"{name}.gal"
        labels, edges = self._converted(name, scratch / f"{name}.lg")
        if len(set(labels)) < 2:
            labels, edges = self._converted(name, scratch / f"{name}.lg", "--random-labels", str(LABELS), "--seed", "1")
        self._write_graphset(scratch / f"{name}.graphset", labels, edges)
        self._write_peregrine(scratch, name, labels, edges)

    def _converted(self, name, text, *more):
        """Galena's input is made; the vertices' labels, and the edges."""
        convert = [self.options.galena, "convert", "--quiet"]
        said(convert + [name, str(self.galena_input), *more], None)
        said(convert + [str(self.galena_input), str(text)], None)
        rows = [line.split() for line in text.read_text().splitlines() if line[:1] in ("v", "e")]
        return ([row[2] for row in rows if row[0] == "v"],
                [(int(row[1]), int(row[2])) for row in rows if row[0] == "e"])

    def _write_graphset(self, file, labels, edges):
        around = [[] for _ in labels]
        for u, v in edges:
            around[u].append(str(v))
            around[v].append(str(u))
        rows = (f"{v} {label} {' '.join(around[v])}\n" for v, label in enumerate(labels))
        file.write_text(f"{len(labels)}\n" + "".join(rows))
        self.graphset_input = file

    def _write_peregrine(self, scratch, name, labels, edges):
        """It numbers vertices from 1."""
        edge_file, label_file, folder = (scratch / f"{name}.{end}" for end in ("edges", "labels", "peregrine"))
        edge_file.write_text("".join(f"{u + 1} {v + 1}\n" for u, v in edges))
        label_file.write_text("".join(f"{v + 1} {label}\n" for v, label in enumerate(labels)))
        said([self.options.convert, str(edge_file), str(label_file), str(folder)], None)
        self.peregrine_input = folder

    def galena(self, edges, support, exists):
        """Seconds of the second and the first answer; patterns of the greatest size with their supports."""
        query = f"FREQUENT {'EXISTS ' if exists else ''}EDGES <= {edges} SUPPORT >= {support} LABELS VERTICES"
        text = said([self.options.galena, "mine", str(self.galena_input), query, query, "--json", "--quiet",
                     "--threads", str(self.options.threads)], None)
        first, second = json.loads(text)["queries"]
        found = [each for each in second["patterns"] if each["edges"] == edges]
        return (second["seconds"], first["seconds"]), {each["pattern"]: each.get("support") for each in found}

    def graphset(self, edges, support):
        """Seconds, number of patterns; None where it did not end."""
        text = said([self.options.fsm_test, str(self.graphset_input), str(edges), str(support)], self.options.limit,
                    OMP_NUM_THREADS=str(self.options.threads))
        if text is None:
            return None
        return float(re.search(r"time cost: ([\d.]+)", text)[1]), int(re.search(r"fsm_cnt = (\d+)", text)[1])

    def peregrine(self, edges, support):
        """Seconds, supports by pattern as it writes them; None where it did not end."""
        text = said([self.options.fsm, str(self.peregrine_input), str(edges), str(support), str(self.options.threads)],
                    self.options.limit)
        if text is None:
            return None
        return (float(re.search(r"finished in ([\d.e+-]+)s", text)[1]),
                [(pattern, int(found)) for pattern, found in re.findall(r"^(\[.*\]): (\d+)$", text, re.M)])


def differences(edges, found, reached, graphset, peregrine):
    """What the answers disagree in, in words."""
    ours = {from_galena(pattern): support for pattern, support in found.items()}
    unequal = []
    if {from_galena(pattern) for pattern in reached} != set(ours):
        unequal.append("EXISTS finds other patterns than exact supports do")
    if graphset is not None and graphset < len(ours):
        unequal.append(f"GraphSet has {graphset} patterns of {edges} edges, Galena {len(ours)}")
    if peregrine is not None:
        theirs = [(from_peregrine(pattern), support) for pattern, support in peregrine]
        if sorted(theirs) != sorted(ours.items()):
            unequal.append(f"Peregrine has {len(theirs)} patterns of {edges} edges, Galena {len(ours)}, of which "
                           f"{len(set(theirs) & set(ours.items()))} are the same with the same support")
    return unequal


def measure(graph, name, edges, support, options):
    ways = {
        "supports": lambda: graph.galena(edges, support, False),
        "exists": lambda: graph.galena(edges, support, True),
        "graphset": lambda: graph.graphset(edges, support),
        "peregrine": lambda: graph.peregrine(edges, support),
    }
    runs, answers = {who: [] for who in ways}, {}
    for _ in range(options.runs):
        for who, way in ways.items():
            result = way() if answers.get(who, ()) is not None else None
            answers[who] = None if result is None else result[1]
            if result is not None:
                runs[who].append(result[0])
    unequal = differences(edges, answers["supports"], answers["exists"], answers["graphset"], answers["peregrine"])
    return {"graph": name, "edges": edges, "support": support, "patterns": len(answers["supports"]),
            "graphset_patterns": answers["graphset"], "differences": unequal, "runs": runs}


def short(number):
    """Two digits, no exponent."""
    return f"{number:.{max(0, 1 - math.floor(math.log10(number)))}f}"


def shown(row):
    def ours(who):
        return [statistics.median(times) for times in zip(*row["runs"][who])]

    def peer(who, against):
        if not row["runs"][who]:
            return "not ended"
        seconds = statistics.median(row["runs"][who])
        return f"{short(seconds)} ({' and '.join(short(seconds / each) + 'x' for each in ours(against))})"

    answers = "; ".join(row["differences"]) or "equal"
    if (row["graphset_patterns"] or 0) > row["patterns"]:
        answers += f", GraphSet counts {row['graphset_patterns']}"
    cells = [row["graph"], f"`EDGES <= {row['edges']} SUPPORT >= {row['support']}`", str(row["patterns"])]
    for mine, theirs in (("supports", "peregrine"), ("exists", "graphset")):
        cells += [" and ".join(map(short, ours(mine))), peer(theirs, mine)]
    return "| " + " | ".join(cells + [answers]) + " |"


def written(file, threads, rows):
    """Adds to what is there of other graphs."""
    kept = json.loads(file.read_text())["rows"] if file.exists() else []
    names = {row["graph"] for row in rows}
    rows = [row for row in kept if row["graph"] not in names] + rows
    file.write_text(json.dumps({"threads": threads, "rows": rows}, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("galena")
    parser.add_argument("--graphset", type=Path, required=True)
    parser.add_argument("--peregrine", type=Path, required=True)
    parser.add_argument("--graphs", nargs="+", default=list(QUERIES), choices=list(QUERIES))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=float, default=60, help="Seconds for one run of a peer, loading included")
    parser.add_argument("--json", type=Path, help="All runs; other graphs in the file stay")
    options = parser.parse_args()
    options.fsm_test = program(options.graphset, "fsm_test")
    options.fsm, options.convert = program(options.peregrine, "fsm"), program(options.peregrine, "convert_data")
    print("| graph | query | patterns of that size | supports | Peregrine | `EXISTS` | GraphSet | answers |\n"
          "|---|---|---|---|---|---|---|---|", flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.graphs:
            graph = Graph(options, name, Path(scratch))
            for edges, support in QUERIES[name]:
                rows.append(measure(graph, name, edges, support, options))
                print(shown(rows[-1]), flush=True)
    if options.json:
        written(options.json, options.threads, rows)
    sys.exit(1 if any(row["differences"] for row in rows) else 0)


if __name__ == "__main__":
    main()
