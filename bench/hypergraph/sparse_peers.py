#!/usr/bin/env python3
"""Forward and backward of y = L H S H^T L x as two sparse products each, by SciPy and by PyTorch: microseconds a set.

    sparse_peers.py [--data FOLDER] [--width 64] [--threads 2] [SET ...]

The factors are folded into the matrices beforehand. bench_hypergraph measures the same for Galena.
"""

import argparse
import gzip
import os
import pathlib
import statistics
import time
import warnings

import numpy
import scipy.sparse
import torch

SETS = ["hg-cocitation-cora", "hg-coauthorship-cora", "hg-coauthorship-dblp", "hg-congress-bills", "hg-house-committees",
        "hg-mag10", "hg-mathoverflow-answers", "hg-mushroom", "hg-zoo"]


def incidence(folder):
    """H, vertices x hyperedges, f32."""
    with gzip.open(folder / "hyperedges.txt.gz", "rt") as file:
        edges = [sorted({int(v) for v in line.replace(",", " ").split()}) for line in file if line[:1] not in "#%\n"]
    rows = numpy.concatenate([numpy.array(edge, dtype=numpy.int64) for edge in edges])
    columns = numpy.repeat(numpy.arange(len(edges)), [len(edge) for edge in edges])
    return scipy.sparse.csr_matrix((numpy.ones(len(rows), dtype=numpy.float32), (rows, columns)))


def inverse(values, power):
    return numpy.where(values > 0, numpy.maximum(values, 1) ** -power, 0).astype(numpy.float32)


def median_us(work, seconds=1.0):
    work()
    times, begin = [], time.perf_counter()
    while len(times) < 5 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1e6 * statistics.median(times)


def measure(folder, width):
    h = incidence(folder)
    left = scipy.sparse.diags(inverse(numpy.asarray(h.sum(1)).ravel(), 0.5))
    size = scipy.sparse.diags(inverse(numpy.asarray(h.sum(0)).ravel(), 1.0))
    to_edges, to_vertices = (h.T @ left).tocsr(), (left @ h @ size).tocsr()
    x = numpy.random.default_rng(1).random((h.shape[0], width), dtype=numpy.float32)

    def scipy_passes():
        y = to_vertices @ (to_edges @ x)
        return to_vertices @ (to_edges @ y)  # the operator is its own adjoint

    def as_torch(matrix):
        return torch.sparse_csr_tensor(torch.from_numpy(matrix.indptr.astype(numpy.int64)),
                                       torch.from_numpy(matrix.indices.astype(numpy.int64)),
                                       torch.from_numpy(matrix.data), matrix.shape)

    first, second, tensor = as_torch(to_edges), as_torch(to_vertices), torch.from_numpy(x)

    def torch_passes():
        y = second @ (first @ tensor)
        return second @ (first @ y)

    assert numpy.allclose(scipy_passes(), torch_passes().numpy(), atol=1e-4)
    return median_us(scipy_passes), median_us(torch_passes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, default=os.environ.get("GALENA_DATA_DIR", "data"))
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("sets", nargs="*", default=SETS)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(args.threads)
    print(f"{'set':<26} {'SciPy, us':>12} {'PyTorch, us':>12}")
    for name in args.sets:
        scipy_us, torch_us = measure(args.data / name, args.width)
        print(f"{name:<26} {scipy_us:>12.1f} {torch_us:>12.1f}", flush=True)


if __name__ == "__main__":
    main()
