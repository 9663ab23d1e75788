"""Trains every recipe of references.toml with several seeds and sets the means beside the published figures.

A recipe passes where its mean reaches the reference less its tolerance. Ends with 1 where one does not.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent


def train(args, recipe, seed):
    command = [args.galena, "train", str(args.data / recipe["dataset"]), "--config",
               str(HERE / "configs" / recipe["config"]), "--seed", str(seed), "--json", "--threads", str(args.threads)]
    if "splits" in recipe:  # seed k takes the k-th published mask
        command += ["--split", f"mask:{seed % recipe['splits']}"]
    if recipe.get("draw_split"):
        command += ["--split-seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"accuracy.py: {' '.join(command)}\nended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def judge(recipe, results):
    test = [100 * result["test"] for result in results]
    mean = statistics.mean(test)
    return {**recipe, "test": test, "mean": mean, "std": statistics.pstdev(test),
            "epoch_ms": 1e3 * statistics.median(result["seconds"]["epoch_median"] for result in results),
            "passed": mean >= recipe["reference"] - recipe["tolerance"]}


def show(row):
    verdict = "reached" if row["passed"] else "MISSED"
    print(f"{row['dataset']:20} {row['model']:6} {row['metric']:9} {row['mean']:6.2f} +- {row['std']:4.2f}   "
          f"{row['reference']:6.2f} -{row['tolerance']:.1f}  {verdict:8} {row['epoch_ms']:8.1f} ms  {row['source']}",
          flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--galena", default="build/release/galena")
    parser.add_argument("--data", type=pathlib.Path, default=os.environ.get("GALENA_DATA_DIR", "data"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--only", nargs="*", help="DATASET, MODEL or DATASET/MODEL")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()

    recipes = tomllib.loads((HERE / "references.toml").read_text())["recipe"]
    rows = []
    print(f"{'dataset':20} {'model':6} {'metric':9} {'mean of ' + str(args.seeds):14}   published       "
          f"{'epoch':>16}")
    for recipe in recipes:
        names = {recipe["dataset"], recipe["model"], f"{recipe['dataset']}/{recipe['model']}"}
        if args.only and not names & set(args.only):
            continue
        rows.append(judge(recipe, [train(args, recipe, seed) for seed in range(args.seeds)]))
        show(rows[-1])
        if args.json:
            args.json.write_text(json.dumps({"seeds": args.seeds, "recipes": rows}, indent=1) + "\n")
    sys.exit(0 if all(row["passed"] for row in rows) else 1)


if __name__ == "__main__":
    main()
