"""Reads a dataset folder (edges or hyperedges, features, labels, splits) into numpy and SciPy arrays."""

import gzip
import pathlib

import numpy
import scipy.sparse


def read_list(folder, name, counted):
    """The text of `name`[.gz] after its header, and the number that follows the word `counted` there, else None."""
    plain = folder / name
    text = plain.read_bytes() if plain.exists() else gzip.decompress((folder / f"{name}.gz").read_bytes())
    vertices = None
    while text.startswith(b"#"):
        line, text = text.split(b"\n", 1)
        words = line.replace(b":", b" ").split()
        if counted in words and words[words.index(counted) + 1].isdigit():
            vertices = int(words[words.index(counted) + 1])
    return text, vertices


def read_edges(folder):
    """The lines `u v` of edges.txt[.gz] as an int64 [m, 2] array, and n where the header says it, else None."""
    text, vertices = read_list(folder, "edges.txt", b"Nodes")
    return numpy.fromstring(text, dtype=numpy.int64, sep=" ").reshape(-1, 2), vertices


def read_hyperedges(folder):
    """The lines of hyperedges.txt[.gz] as a list of lists, and n where the header says it, else None."""
    text, vertices = read_list(folder, "hyperedges.txt", b"Vertices")
    return [[int(word) for word in line.split()] for line in text.splitlines()], vertices


def read_features(folder):
    """SciPy CSR for features.npz, a float32 array for features.npy, None where there is neither."""
    if (folder / "features.npz").exists():
        with numpy.load(folder / "features.npz") as file:
            parts = (file["data"].astype(numpy.float32), file["indices"], file["indptr"])
            return scipy.sparse.csr_matrix(parts, shape=tuple(file["shape"]))
    if (folder / "features.npy").exists():
        return numpy.load(folder / "features.npy").astype(numpy.float32)
    return None


def read_split(folder, index=None):
    """(train, valid, test) vertex ids: the text files, or row `index` of the masks of split.npz."""
    if index is None:
        return tuple(numpy.loadtxt(folder / f"{name}.txt", dtype=numpy.int64, ndmin=1)
                     for name in ("train", "valid", "test"))
    with numpy.load(folder / "split.npz") as file:
        masks = [file[f"{name}_masks"] for name in ("train", "valid", "test")]
    return tuple(numpy.flatnonzero(mask[index % len(mask)]) for mask in masks)


def draw_split(labels, train, valid, seed):
    """`train` and `valid` vertices of each class at random, the rest for testing (Shchur et al. 2018)."""
    random = numpy.random.default_rng(seed)
    parts = [[], [], []]
    for label in range(labels.max() + 1):
        ids = random.permutation(numpy.flatnonzero(labels == label))
        for part, piece in zip(parts, numpy.split(ids, [train, train + valid])):
            part.append(piece)
    return tuple(numpy.sort(numpy.concatenate(part)) for part in parts)


def is_sparse(features):
    return scipy.sparse.issparse(features)


def normalize_rows(features):
    """Divides each row by its sum, as the citation networks' papers do; rows of zeros stay."""
    total = numpy.asarray(features.sum(axis=1)).ravel()
    scale = numpy.divide(1, total, out=numpy.zeros_like(total), where=total != 0)
    if scipy.sparse.issparse(features):
        return scipy.sparse.csr_matrix(scipy.sparse.diags(scale.astype(numpy.float32)) @ features)
    return features * scale[:, None].astype(numpy.float32)


class Dataset:
    """One folder: n, edges [m, 2] or hyperedges (lists), features, labels (int [n] or 0/1 [n, c]), classes, split."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.name = folder.name
        self.folder = folder
        self.edges = self.hyperedges = None
        if any(folder.glob("edges.txt*")):
            self.edges, vertices = read_edges(folder)
        else:
            self.hyperedges, vertices = read_hyperedges(folder)
        self.labels = numpy.load(folder / "labels.npy")
        self.n = vertices or len(self.labels)
        self.multi_label = self.labels.ndim == 2
        self.classes = self.labels.shape[1] if self.multi_label else int(self.labels.max()) + 1
        self.features = read_features(folder)
        if self.features is None:
            self.features = scipy.sparse.identity(self.n, dtype=numpy.float32, format="csr")
        self.split = read_split(folder)
