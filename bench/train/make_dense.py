"""Writes a dataset folder with a random graph of skewed degrees, dense features and communities as classes.

The graph is a degree-corrected stochastic block model: an end of an edge is drawn in proportion to its weight, and
with probability --inside the other end lies in the same community. Vertex ids tell nothing of the community.
"""

import argparse
import pathlib

import numpy


def weighted_draw(random, cumulative, low, high):
    """Vertices of the (arrays of) ranges [low, high) of a cumulative weight, in proportion to weight."""
    at = low + random.random(len(low)) * (high - low)
    return numpy.searchsorted(cumulative, at, side="right") - 1


def draw_edges(random, n, classes, inside, count):
    """`count` distinct edges (as u * n + v, u < v) over vertices sorted by community, and those communities."""
    community = numpy.sort(random.integers(0, classes, n))
    weight = random.pareto(2.5, n) + 1
    cumulative = numpy.concatenate([[0], numpy.cumsum(weight)])
    first = numpy.searchsorted(community, numpy.arange(classes + 1))
    edges = numpy.empty(0, dtype=numpy.int64)
    while len(edges) < count:
        draws = (count - len(edges)) * 11 // 10 + 1000
        u = weighted_draw(random, cumulative, numpy.zeros(draws), numpy.full(draws, cumulative[-1]))
        near = random.random(draws) < inside
        low = numpy.where(near, cumulative[first[community[u]]], 0)
        high = numpy.where(near, cumulative[first[community[u] + 1]], cumulative[-1])
        v = weighted_draw(random, cumulative, low, high)
        pairs = numpy.minimum(u, v) * n + numpy.maximum(u, v)
        edges = numpy.unique(numpy.concatenate([edges, pairs[u != v]]))
    return random.choice(edges, count, replace=False), community


def write_edges(path, n, edges):
    with open(path, "w") as file:
        file.write(f"# Nodes: {n} Edges: {len(edges)}\n")
        for block in numpy.array_split(edges, max(1, len(edges) // 1000000)):
            file.write("\n".join(f"{u} {v}" for u, v in zip((block // n).tolist(), (block % n).tolist())) + "\n")


def write_split(folder, random, n, train, valid):
    order = random.permutation(n)
    ends = [int(n * train), int(n * (train + valid))]
    for name, ids in zip(("train", "valid", "test"), numpy.split(order, ends)):
        numpy.savetxt(folder / f"{name}.txt", numpy.sort(ids), fmt="%d")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--vertices", type=int, default=200_000)
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument("--features", type=int, default=128)
    parser.add_argument("--classes", type=int, default=40)
    parser.add_argument("--inside", type=float, default=0.3, help="share of edges drawn within a community")
    parser.add_argument("--signal", type=float, default=0.1, help="distance of class means, noise is 1")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    random = numpy.random.default_rng(args.seed)
    args.folder.mkdir(parents=True, exist_ok=True)
    edges, community = draw_edges(random, args.vertices, args.classes, args.inside, args.edges)
    name = random.permutation(args.vertices)  # hides the order by community
    u, v = name[edges // args.vertices], name[edges % args.vertices]
    edges = numpy.sort(numpy.minimum(u, v) * args.vertices + numpy.maximum(u, v))
    write_edges(args.folder / "edges.txt", args.vertices, edges)

    labels = numpy.empty(args.vertices, dtype=numpy.int32)
    labels[name] = community
    means = random.standard_normal((args.classes, args.features)) * args.signal
    features = means[labels] + random.standard_normal((args.vertices, args.features))
    numpy.save(args.folder / "features.npy", features.astype(numpy.float32))
    numpy.save(args.folder / "labels.npy", labels)
    write_split(args.folder, random, args.vertices, 0.1, 0.1)


if __name__ == "__main__":
    main()
