"""Galena against PyTorch Geometric, for hypergraphs also against DeepHypergraph, in one run.

Same model, data, threads and hyperparameters, one after the other.

Each case first tries the forms of graph and features that PyTorch Geometric takes, a few epochs each, and keeps the
fastest ("best"); bag-of-words sets are also run as its own examples do, with dense features ("usual"). Then Galena and
those take turns. An epoch is forward, backward and optimizer step, without evaluation: the median, and in parentheses
the least, which is the one to trust on a busy machine, where short epochs escape the scheduler and long ones do not.
Memory is the process's peak, for PyTorch less what the process had after its imports.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PLANETOID = {"gcn": ["--hidden", "16"], "sage": ["--hidden", "64"], "gat": ["--hidden", "8", "--heads", "8"]}
WIDE = {"gcn": ["--hidden", "256"], "sage": ["--hidden", "256"], "gat": ["--hidden", "8", "--heads", "8"]}
HYPER = ["hg-cocitation-cora", "hg-coauthorship-cora", "hg-mushroom", "hg-zoo", "hg-house-committees",
         "hg-congress-bills"]
BAGS = ["cora", "citeseer", "coauthor-physics", "github-devs", "amazon-photo"]
LONG = {"coauthor-physics", "github-devs"}  # seconds an epoch where features must be dense
RAW = {"amazon-photo", "coauthor-physics"}  # not divided by row sums, as in the paper on them


def cases(dense):
    """(dataset, model, options, epochs): the options are spelled alike in both programs."""
    for name in BAGS:
        raw = ["--normalize", "none"] if name in RAW else ["--normalize", "rows"]
        for model in ("gcn", "sage", "gat"):
            yield name, model, PLANETOID[model] + raw, 15 if name in LONG else 100
        yield name, "gcn", ["--hidden", "256"] + raw, 15 if name in LONG else 50
    for name in HYPER:
        yield name, "hgnn", ["--hidden", "64"], 50
    for layers in ("2", "3"):
        for model in ("gcn", "sage"):
            yield dense, model, WIDE[model] + ["--layers", layers, "--weight-decay", "0"], 10


def variants(dataset, model):
    """What PyTorch Geometric could run, the usual form first. Messages of 10 million edges do not fit in memory."""
    if model == "hgnn":
        forms = [("coo", "dense"), ("dhg", "dense")]  # HypergraphConv takes no sparse features
        return forms if dataset in ("hg-mushroom", "hg-zoo") else forms + [("dhg", "csr")]
    graphs = ["coo"] if model == "gat" else ["csr", "edgeindex"] if "/" in dataset else ["coo", "csr", "edgeindex"]
    layouts = ["dense", "csr", "coo"] if model == "gcn" and "/" not in dataset else ["dense"]
    return [(graph, layout) for layout in layouts for graph in graphs]


class Failed(Exception):
    """A command ended with an error, or was killed for its memory."""


def run(command, threads):
    """The JSON object that a command prints, and the peak of its memory."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            raise Failed(f"compare.py: {' '.join(command)}\nended with {process.returncode}: {errors.read()[-2000:]}")
    return json.loads(output.strip().splitlines()[-1]), usage.ru_maxrss * 1024


def ours(args, folder, model, options, epochs, seed):
    every = str(epochs if args.no_evaluation else 1)
    options = options + ["--no-self-loops"] if model == "hgnn" else options  # hyperedges as theirs
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as metrics:
        result, peak = run([args.galena, "train", str(folder), "--model", model, *options, "--epochs", str(epochs),
                            "--seed", str(seed), "--eval-every", every, "--threads", str(args.threads), "--metrics",
                            metrics.name, "--json"], args.threads)
        least = min(json.loads(line)["seconds"] for line in metrics)
    return {"seconds": result["seconds"]["epoch_median"], "least": least, "peak": peak, "test": result["test"]}


def theirs(args, folder, model, options, epochs, seed, form):
    command = [args.python, "-W", "ignore", str(HERE / "pyg_train.py"), str(folder), "--model", model, *options,
               "--epochs", str(epochs), "--seed", str(seed), "--threads", str(args.threads), "--path", form[0],
               "--features", form[1]]
    result, peak = run(command + (["--no-evaluation"] if args.no_evaluation else []), args.threads)
    seconds = result["seconds"]
    return {"seconds": seconds["train_epoch_median"], "least": seconds["train_epoch_least"],
            "peak": peak - result["imported_bytes"], "whole_peak": peak, "test": result["test"][0]}


def fastest(args, folder, dataset, model, options):
    """The form with the shortest epoch, and the seconds of all."""
    forms = variants(dataset, model)
    epochs = 3 if "/" in dataset or dataset in LONG else 15
    args = argparse.Namespace(**{**vars(args), "no_evaluation": True})
    tried = {}
    for form in forms:
        try:
            tried[form] = theirs(args, folder, model, options, epochs, 0, form)["least"]
        except Failed as failure:
            print(failure, file=sys.stderr)
            tried[form] = None
    ran = {form: seconds for form, seconds in tried.items() if seconds is not None}
    return min(ran, key=ran.get), {"/".join(form): seconds for form, seconds in tried.items()}


def median_of(runs):
    return {key: statistics.median(one[key] for one in runs) for key in runs[0]}


def compare(args, dataset, model, options, epochs):
    folder = pathlib.Path(dataset) if "/" in dataset else args.data / dataset
    best, tried = fastest(args, folder, dataset, model, options)
    usual = variants(dataset, model)[0]
    ends = {"ours": lambda seed: ours(args, folder, model, options, epochs, seed),
            "best": lambda seed: theirs(args, folder, model, options, epochs, seed, best)}
    if usual != best and not args.best_only:
        ends["usual"] = lambda seed: theirs(args, folder, model, options, epochs, seed, usual)
    runs = {end: [] for end in ends}
    for seed in range(args.repeats):
        for end, start in ends.items():
            runs[end].append(start(seed))
    return {"dataset": folder.name, "model": model, "options": " ".join(options), "epochs": epochs,
            "best_form": "/".join(best), "usual_form": "/".join(usual), "tried_seconds": tried,
            "medians": {end: median_of(list_of) for end, list_of in runs.items()}, "runs": runs}


def show(row):
    medians = row["medians"]
    line = f"{row['dataset']:17} {row['model']:5} {row['options'].replace('--', ''):44.44}"
    line += f" {medians['ours']['seconds'] * 1e3:9.2f} ms (least {medians['ours']['least'] * 1e3:.2f})"
    line += f" {medians['ours']['peak'] / 1e6:7.0f} MB"
    line += f" {medians['ours']['test']:.4f}"
    for end in ("best", "usual"):
        if end in medians:
            other = medians[end]
            line += f" | {row[end + '_form']:15} {other['seconds'] * 1e3:9.2f} ms"
            line += f" {other['seconds'] / medians['ours']['seconds']:6.2f}x"
            line += f" (least {other['least'] * 1e3:.2f}, {other['least'] / medians['ours']['least']:.2f}x)"
            line += f" {other['peak'] / 1e6:7.0f} MB {other['test']:.4f}"
    print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--galena", default="build/release/galena")
    parser.add_argument("--python", default=sys.executable, help="of the environment that setup_pyg.sh made")
    parser.add_argument("--data", type=pathlib.Path, default=os.environ.get("GALENA_DATA_DIR", "data"))
    parser.add_argument("--dense", default="", help="a folder that make_dense.py wrote")
    parser.add_argument("--only", nargs="*", help="DATASET or DATASET/MODEL")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--no-evaluation", action="store_true", help="only after the last epoch: a test of speed alone")
    parser.add_argument("--best-only", action="store_true", help="not the usual form, where it is slower")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()

    rows = []
    for dataset, model, options, epochs in cases(args.dense):
        name = pathlib.Path(dataset).name
        if not dataset or (args.only and not {name, f"{name}/{model}"} & set(args.only)):
            continue
        rows.append(compare(args, dataset, model, options, epochs))
        show(rows[-1])
        if args.json:
            args.json.write_text(json.dumps({"threads": args.threads, "cases": rows}, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(str(failure))
