#!/usr/bin/env python3
"""What gpu.sh has measured against its targets: reads its JSON file, prints the section "targets", a row a target. What is
reached is a ratio of times, theirs over ours, or a share; "not measured" where a part of it is missing.

   gpu_targets.py GPU.json
"""

import json
import math
import sys

QUERIES = ("triangle", "clique(4)", "clique(5)", "diamond", "cycle(4)", "MOTIFS 4")


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def number(value):
    return value if isinstance(value, (int, float)) and value > 0 else None


class Targets:
    def __init__(self, report):
        self.report = report
        self.rows = []

    def section(self, part, name):
        """Rows of a section of bench or pyg; none where it was not run."""
        found = self.report.get(part)
        return found.get(name, []) if isinstance(found, dict) else []

    def add(self, what, target, reached, **more):
        row = {"what": what, "target": target}
        if reached is None:
            row["reached"] = "not measured"
        else:
            row.update(reached=round(reached, 4), met=reached >= target)
        self.rows.append({**row, **more})

    def spmm(self):
        rows = [r for r in self.section("bench", "spmm") if 32 <= r.get("width", 0) <= 256]
        for key, how in ("speedup", ""), ("speedup_weighted", ", weighted as in training"):
            ratios = [r[key] for r in rows if number(r.get(key))]
            self.add(f"sums over neighbours, over cuSPARSE's best: geometric mean{how}", 1.2,
                     geometric_mean(ratios) if ratios else None, rows=len(ratios))

    def epochs(self):
        def medians(part):
            return {(r["dataset"], r["model"], r.get("hidden")): number(r.get("epoch_median"))
                    for r in self.section(part, "epochs")
                    if r.get("replay", True) and r.get("precision", "f32") == "f32"}

        ours, theirs = medians("bench"), medians("pyg")
        for dataset, target in ("er 200k", 3), ("er 2708", 10):
            for model in "gcn", "sage":
                keys = [k for k in ours if k[:2] == (dataset, model) and ours[k] and theirs.get(k)]
                self.add(f"an epoch of {model} on {dataset}, over PyTorch Geometric", target,
                         theirs[keys[0]] / ours[keys[0]] if keys else None)

    def hypergraphs(self):
        rows = self.section("bench", "hypergraph")
        for key, how in ("speedup_of_chosen", "the way that is chosen"), ("speedup_of_fused", "fused"):
            ratios = [r[key] for r in rows if number(r.get(key))]
            self.add(f"through hyperedges, forward and backward, over cuSPARSE's two passes: geometric mean, {how}", 3.31,
                     geometric_mean(ratios) if ratios else None, rows=len(ratios))
            self.add(f"the same, least, {how}", 1, min(ratios) if ratios else None)

    def mining(self):
        def runs(query, device):
            found = self.report.get(f"mine {query}, {device}")
            return found.get("queries", []) if isinstance(found, dict) else []

        ratios = []
        for query in [q + on for on in ("", " on ego-twitter", " on web-notredame") for q in QUERIES]:
            if query not in QUERIES and not runs(query, "cuda"):
                continue  # a data set that is not there
            cuda, cpu = runs(query, "cuda"), runs(query, "cpu")
            times = [[number(r.get("seconds")) for r in each] for each in (cuda, cpu)]
            if not all(each and all(each) for each in times):
                self.add(f"mining {query}, over the CPU", 20, None)
                continue
            counts = [{(r.get("pattern"), r.get("count")) for r in each} for each in (cuda, cpu)]
            ratios.append(min(times[1]) / min(times[0]))
            self.add(f"mining {query}, over the CPU", 20, ratios[-1], first_run=round(times[1][0] / times[0][0], 4),
                     counts="the same" if counts[0] == counts[1] else "NOT the same")
        self.add("mining, over the CPU: geometric mean", 20, geometric_mean(ratios) if ratios else None,
                 rows=len(ratios))

    def lanes(self):
        for query in "triangle", "clique(4)", "clique(5)", "MOTIFS 4":
            found = self.report.get(f"lanes active, {query}")
            self.add(f"lanes active, {query}", 0.6, number(found.get("share")) if isinstance(found, dict) else None)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        targets = Targets(json.load(file))
    for part in targets.spmm, targets.epochs, targets.hypergraphs, targets.mining, targets.lanes:
        part()
    print("[\n  " + ",\n  ".join(map(json.dumps, targets.rows)) + "]")


if __name__ == "__main__":
    main()
