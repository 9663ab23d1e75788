"""Trains a network of PyTorch Geometric on a dataset folder, full graph, on the CPU; prints one JSON object.

Seconds are medians: of a training epoch (forward, backward, optimizer step), and of one with evaluation of all three
splits. The peak memory is the process's own, so run one configuration a process.
"""

import argparse
import json
import resource
import statistics
import time

import numpy
import torch
import torch.nn.functional as F
import torch_geometric

import dataset as data
import pyg_models


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--model", choices=["gcn", "sage", "gat", "mlp"], default="gcn")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=16, help="a head")
    parser.add_argument("--heads", type=int, default=1)
    parser.add_argument("--out-heads", type=int, default=1)
    parser.add_argument("--dropout", type=float, default=0.5)
    parser.add_argument("--attention-dropout", type=float, default=0.0)
    parser.add_argument("--no-input-dropout", dest="input_dropout", action="store_false")
    parser.add_argument("--norm", choices=["none", "layer", "batch"], default="none")
    parser.add_argument("--residual", action="store_true")
    parser.add_argument("--activation", choices=["relu", "elu", "gelu"], default="relu")
    parser.add_argument("--row-normalize", action="store_true")
    parser.add_argument("--optimizer", choices=["adam", "adamw"], default="adam")
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--decay-first-only", action="store_true", help="no weight decay but of the first layer")
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--patience", type=int, default=0, help="epochs without a better validation; 0: never stops")
    parser.add_argument("--select", choices=["metric", "loss", "last"], default="metric")
    parser.add_argument("--metric", choices=["accuracy", "auc", "micro-f1"], default="accuracy")
    parser.add_argument("--path", choices=pyg_models.PATHS, default="coo")
    parser.add_argument("--features", choices=["dense", "csr", "coo"], default="dense")
    parser.add_argument("--compile", action="store_true", help="torch.compile the network")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--all-splits", action="store_true", help="seed i takes published split i")
    parser.add_argument("--no-evaluation", action="store_true", help="time training epochs only")
    parser.add_argument("--threads", type=int, default=0)
    return parser.parse_args()


def loss_of(logits, labels, ids, multi_label):
    if multi_label:
        return F.binary_cross_entropy_with_logits(logits[ids], labels[ids])
    return F.cross_entropy(logits[ids], labels[ids])


def auc(score, positive):
    """Area under the ROC curve by ranks, ties at their mean rank."""
    values, place, counts = numpy.unique(score, return_inverse=True, return_counts=True)
    rank = (numpy.cumsum(counts) - (counts - 1) / 2)[place]
    ones = positive.sum()
    return (rank[positive].sum() - ones * (ones + 1) / 2) / (ones * (len(score) - ones))


def micro_f1(logits, truth):
    """Where the number of labels of each vertex is known, as in the literature on embeddings: its k best."""
    count = truth.sum(1).long()
    order = logits.argsort(1, descending=True).argsort(1)
    guess = order < count[:, None]
    return 2 * (guess & truth.bool()).sum().item() / (guess.sum() + truth.sum()).item()


def measure(logits, labels, ids, metric):
    if metric == "auc":
        return auc((logits[ids, 1] - logits[ids, 0]).numpy(), labels[ids].numpy() == 1)
    if metric == "micro-f1":
        return micro_f1(logits[ids], labels[ids])
    return (logits[ids].argmax(1) == labels[ids]).float().mean().item()


def make_optimizer(network, args):
    decayed, free = [], []
    for name, parameter in network.named_parameters():
        first = name.removeprefix("_orig_mod.").startswith("convolutions.0.")
        (decayed if first or not args.decay_first_only else free).append(parameter)
    groups = [{"params": decayed, "weight_decay": args.weight_decay}, {"params": free, "weight_decay": 0}]
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
        goodness = {"metric": (scores[1], -loss), "loss": (-loss,), "last": (epoch,)}[self.args.select]
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
    source = data.Dataset(args.folder, args.row_normalize)
    graph = pyg_models.graph_arguments(pyg_models.adjacency(source, args.model), args.path)
    sparse_input = args.features != "dense" and args.model == "gcn"
    x = pyg_models.feature_tensor(source.features, args.features)
    labels = torch.from_numpy(source.labels.astype("float32" if source.multi_label else "int64"))
    inputs, classes, multi_label = x.shape[1], source.classes, source.multi_label
    folder, default_split = source.folder, source.split
    del source

    runs = []
    for seed in range(args.seeds):
        split = data.read_split(folder, seed) if args.all_splits else default_split
        torch.manual_seed(seed)
        network = pyg_models.Network(args, inputs, classes, sparse_input)
        network = torch.compile(network) if args.compile else network
        runs.append(Run(args, network, x, graph, labels, [torch.from_numpy(ids) for ids in split], multi_label).train())

    scores = numpy.array([run.best[1] for run in runs])
    print(json.dumps({
        "dataset": folder.name, "model": args.model, "path": args.path, "features": args.features,
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
