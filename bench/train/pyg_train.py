"""Trains a network of PyTorch Geometric on a dataset folder, full graph, on the CPU; prints one JSON object.

Seconds are medians: of a training epoch (forward, backward, optimizer step), and of one with evaluation of all three
splits. The peak memory is the process's own, so run one configuration a process.
"""

import argparse
import json
import resource
import statistics
import time
import tomllib

import numpy
import torch
import torch.nn.functional as F
import torch_geometric

import dataset as data
import pyg_models


# What each model trains with unless told otherwise; `galena train` has the same.
RECIPES = {
    "gcn": {"hidden": 16, "dropout": 0.5, "lr": 0.01, "epochs": 200},
    "gat": {"hidden": 8, "dropout": 0.6, "lr": 0.005, "epochs": 300},
    "sage": {"hidden": 64, "dropout": 0.5, "lr": 0.01, "epochs": 200},
    "hgnn": {"hidden": 64, "dropout": 0.5, "lr": 0.01, "epochs": 200},
    "mlp": {"hidden": 64, "dropout": 0.5, "lr": 0.01, "epochs": 200},
}


def parser():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--config", help="a TOML file of the options up to --metric, as galena train takes it")
    parser.add_argument("--model", choices=list(RECIPES), default="gcn")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--hidden", type=int, help="of a head, in GAT")
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--output-heads", type=int, default=1)
    parser.add_argument("--dropout", type=float)
    parser.add_argument("--input-dropout", type=float)
    parser.add_argument("--attention-dropout", type=float)
    parser.add_argument("--norm", choices=["none", "layer", "batch"], default="none")
    parser.add_argument("--residual", action="store_true")
    parser.add_argument("--normalize", choices=["auto", "rows", "none"], default="auto")
    parser.add_argument("--optimizer", choices=["adam", "adamw"], default="adam")
    parser.add_argument("--lr", type=float)
    parser.add_argument("--weight-decay", type=float, help="default: 5e-4, of the first layer alone in GCN")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--patience", type=int, default=0, help="epochs without a better validation; 0: never stops")
    parser.add_argument("--split", default="default", help="default, mask:K or per-class:TRAIN/VALID")
    parser.add_argument("--split-seed", type=int, default=0)
    parser.add_argument("--metric", choices=["auto", "accuracy", "roc_auc", "micro_f1", "micro_f1_known"],
                        default="auto", help="micro_f1_known: told how many labels each vertex has, as in DeepWalk")
    parser.add_argument("--path", choices=pyg_models.PATHS, default="coo", help="the form of the graph")
    parser.add_argument("--features", choices=["dense", "csr", "coo"], default="dense", help="their layout")
    parser.add_argument("--compile", action="store_true", help="torch.compile the network")
    parser.add_argument("--select", choices=["metric", "loss"], default="metric", help="what names the best epoch")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=1, help="trainings, of this seed and those after it")
    parser.add_argument("--vary-split", action="store_true", help="each seed has its mask, or its drawn split")
    parser.add_argument("--no-evaluation", action="store_true", help="evaluate after the last epoch only")
    parser.add_argument("--threads", type=int, default=0)
    return parser


def arguments():
    known = parser()
    args, _ = known.parse_known_args()
    if args.config:
        with open(args.config, "rb") as file:
            options = {name.replace("-", "_"): value for name, value in tomllib.load(file).items()}
        if unknown := set(options) - set(vars(args)):
            known.error(f"{args.config}: no such option: {', '.join(sorted(unknown))}")
        known.set_defaults(**options)
    args = known.parse_args()
    for name, value in RECIPES[args.model].items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    attention = args.dropout if args.model == "gat" else 0
    args.attention_dropout = attention if args.attention_dropout is None else args.attention_dropout
    args.input_dropout = args.dropout if args.input_dropout is None else args.input_dropout
    return args


def choose_split(source, args, seed):
    kind, _, rest = args.split.partition(":")
    step = seed if args.vary_split else 0
    if kind == "mask":
        return data.read_split(source.folder, int(rest) + step)
    if kind == "per-class":
        return data.draw_split(source.labels, *map(int, rest.split("/")), args.split_seed + step)
    return source.split


def loss_of(logits, labels, ids, multi_label):
    if multi_label:
        return F.binary_cross_entropy_with_logits(logits[ids], labels[ids], reduction="sum") / len(ids)
    return F.cross_entropy(logits[ids], labels[ids])


def auc(score, positive):
    """Area under the ROC curve by ranks, ties at their mean rank."""
    values, place, counts = numpy.unique(score, return_inverse=True, return_counts=True)
    rank = (numpy.cumsum(counts) - (counts - 1) / 2)[place]
    ones = positive.sum()
    return (rank[positive].sum() - ones * (ones + 1) / 2) / (ones * (len(score) - ones))


def micro_f1(logits, truth, known):
    """Positive logits; or, `known`, as many labels of each vertex as it has."""
    guess = logits > 0
    if known:
        guess = logits.argsort(1, descending=True).argsort(1) < truth.sum(1)[:, None]
    return 2 * (guess & truth.bool()).sum().item() / (guess.sum() + truth.sum()).item()


def measure(logits, labels, ids, metric):
    if metric == "roc_auc":
        return auc((logits[ids, 1] - logits[ids, 0]).numpy(), labels[ids].numpy() == 1)
    if metric.startswith("micro_f1"):
        return micro_f1(logits[ids], labels[ids], metric == "micro_f1_known")
    return (logits[ids].argmax(1) == labels[ids]).float().mean().item()


def make_optimizer(network, args):
    decay = 5e-4 if args.weight_decay is None else args.weight_decay
    first_only = args.weight_decay is None and args.model == "gcn"
    decayed, free = [], []
    for name, parameter in network.named_parameters():
        first = name.removeprefix("_orig_mod.").startswith("convolutions.0.")
        (decayed if first or not first_only else free).append(parameter)
    groups = [{"params": decayed, "weight_decay": decay}, {"params": free, "weight_decay": 0}]
    kind = torch.optim.Adam if args.optimizer == "adam" else torch.optim.AdamW
    return kind([group for group in groups if group["params"]], lr=args.lr)


class Run:
    """One training: best scores by validation, and the seconds of its epochs."""

    def __init__(self, args, network, x, graph, labels, split, multi_label):
        self.args, self.network, self.x, self.graph = args, network, x, graph
        self.labels, self.split, self.multi_label = labels, split, multi_label
        self.optimizer = make_optimizer(network, args)
        self.train_seconds, self.epoch_seconds, self.best, self.best_epoch = [], [], None, 0

    def step(self):
        self.network.train()
        self.optimizer.zero_grad()
        loss = loss_of(self.network(self.x, self.graph), self.labels, self.split[0], self.multi_label)
        loss.backward()
        self.optimizer.step()

    @torch.no_grad()
    def evaluate(self, epoch):
        self.network.eval()
        logits = self.network(self.x, self.graph)
        scores = [measure(logits, self.labels, ids, self.args.metric) for ids in self.split]
        loss = loss_of(logits, self.labels, self.split[1], self.multi_label).item()
        goodness = {"metric": scores[1], "loss": -loss}[self.args.select]
        if self.best is None or goodness > self.best[0]:
            self.best, self.best_epoch = (goodness, scores), epoch

    def train(self):
        for epoch in range(1, self.args.epochs + 1):
            begin = time.perf_counter()
            self.step()
            middle = time.perf_counter()
            if not self.args.no_evaluation or epoch == self.args.epochs:
                self.evaluate(epoch)
            end = time.perf_counter()
            self.train_seconds.append(middle - begin)
            self.epoch_seconds.append(end - begin)
            if self.args.patience and epoch - self.best_epoch >= self.args.patience:
                break
        return self


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main():
    args = arguments()
    if args.threads:
        torch.set_num_threads(args.threads)
    imported = peak_bytes()
    source = data.Dataset(args.folder)
    if args.normalize == "rows" or (args.normalize == "auto" and data.is_sparse(source.features)):
        source.features = data.normalize_rows(source.features)
    if args.metric == "auto":
        args.metric = "micro_f1" if source.multi_label else "accuracy"
    if source.hyperedges is not None:
        graph = pyg_models.hypergraph_arguments(source, args.path)
    else:
        graph = pyg_models.graph_arguments(pyg_models.adjacency(source, args.model), args.path)
    sparse_input = args.features != "dense" and args.model in ("gcn", "hgnn")
    x = pyg_models.feature_tensor(source.features, args.features)
    source.features = source.edges = source.hyperedges = None  # not to count in the peak
    labels = torch.from_numpy(source.labels.astype("float32" if source.multi_label else "int64"))

    runs = []
    for seed in range(args.seed, args.seed + args.seeds):
        split = [torch.from_numpy(ids) for ids in choose_split(source, args, seed)]
        torch.manual_seed(seed)
        network = pyg_models.Network(args, x.shape[1], source.classes, sparse_input)
        network = torch.compile(network) if args.compile else network
        runs.append(Run(args, network, x, graph, labels, split, source.multi_label).train())

    scores = numpy.array([run.best[1] for run in runs])
    print(json.dumps({
        "dataset": source.name, "model": args.model, "path": args.path, "features": args.features,
        "compile": args.compile, "threads": torch.get_num_threads(), "metric": args.metric,
        "epochs": [len(run.epoch_seconds) for run in runs], "best_epoch": [run.best_epoch for run in runs],
        "train": scores[:, 0].tolist(), "valid": scores[:, 1].tolist(), "test": scores[:, 2].tolist(),
        "test_mean": scores[:, 2].mean(), "test_std": scores[:, 2].std(),
        "seconds": {"train_epoch_median": statistics.median(runs[-1].train_seconds),
                    "epoch_median": statistics.median(runs[-1].epoch_seconds),
                    "train_epoch_least": min(runs[-1].train_seconds)},
        "peak_bytes": peak_bytes(), "imported_bytes": imported,
        "versions": {"torch": torch.__version__, "torch_geometric": torch_geometric.__version__}}))


if __name__ == "__main__":
    main()
