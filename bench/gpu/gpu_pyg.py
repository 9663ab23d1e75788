#!/usr/bin/env python3
"""Epochs of GCN, SAGE and GAT by PyTorch Geometric, on graphs like those of bench_gpu, in f32 and again with products
that may round to TF32 ("precision": "tf32"). Prints a line of JSON a row, as bench_gpu does; times in microseconds.

   gpu_pyg.py [--quick]
"""

import json
import statistics
import sys
import time
from itertools import product

import torch
import torch.nn.functional as F
import torch_geometric
from torch_geometric.nn import GATConv, GCNConv, SAGEConv

QUICK = "--quick" in sys.argv[1:]
SETS = [("er 2708", 2708, 5278, 16), ("er 200k", 200_000, 2_000_000, 64 if QUICK else 256)]


def layer(model, width, out):
    if model == "gcn":
        return GCNConv(width, out, cached=True)
    return SAGEConv(width, out) if model == "sage" else GATConv(width, out)


def epoch_median(model, vertices, edges, hidden, device="cuda"):
    torch.manual_seed(1)
    ends = torch.randint(0, vertices, (2, edges), device=device)
    index = torch.cat([ends, ends.flip(0)], dim=1)
    x = torch.rand(vertices, 128, device=device) * 2 - 1
    labels = torch.arange(vertices, device=device) % 16
    train = torch.arange(vertices, device=device) % 10 < 6
    layers = torch.nn.ModuleList([layer(model, 128, hidden), layer(model, hidden, 16)]).to(device)
    optimizer = torch.optim.Adam(layers.parameters(), lr=0.01)
    times = []
    for _ in range(60):
        torch.cuda.synchronize()
        start = time.perf_counter()
        optimizer.zero_grad()
        h = F.dropout(F.relu(layers[0](x, index)), 0.5)
        loss = F.cross_entropy(layers[1](h, index)[train], labels[train])
        loss.backward()
        optimizer.step()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return 1e6 * statistics.median(times[10:])


def row(section, fields):
    print(json.dumps({"section": section, **fields}, separators=(",", ":")), flush=True)


def main():
    row("versions", {"torch": torch.__version__, "torch_geometric": torch_geometric.__version__})
    for name, vertices, edges, hidden in SETS:
        for model, tf32 in product(("gcn", "sage", "gat"), (False, True)):
            fields = {"dataset": name, "model": model, "hidden": hidden, **({"precision": "tf32"} if tf32 else {})}
            torch.backends.cuda.matmul.allow_tf32 = tf32
            try:
                fields["epoch_median"] = epoch_median(model, vertices, edges, hidden)
            except RuntimeError as error:  # memory, say
                fields["error"] = str(error)
            row("epochs", fields)


if __name__ == "__main__":
    main()
