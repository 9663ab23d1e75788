"""The models of the comparison, made of PyTorch Geometric's layers, on each form of graph and features that it takes."""

import numpy
import scipy.sparse
import torch
import torch.nn.functional as F
import torch_geometric.nn as gnn
from torch_geometric import EdgeIndex

PATHS = ("coo", "csr", "edgeindex", "dhg")  # dhg: DeepHypergraph's, for hypergraphs


def adjacency(dataset, model):
    """SciPy CSR of both directions; for GCN with self-loops and D^-1/2 (A + I) D^-1/2, which PyG would cache."""
    u, v = dataset.edges.T
    both = (numpy.concatenate([u, v]), numpy.concatenate([v, u]))
    ones = numpy.ones(len(both[0]), dtype=numpy.float32)
    matrix = scipy.sparse.csr_matrix((ones, both), shape=(dataset.n, dataset.n))
    if model in ("gcn", "gat"):
        matrix = (matrix + scipy.sparse.identity(dataset.n, dtype=numpy.float32)).tocsr()
    if model == "gcn":
        scale = scipy.sparse.diags(1 / numpy.sqrt(numpy.asarray(matrix.sum(axis=1)).ravel()))
        matrix = (scale @ matrix @ scale).tocsr()
    return matrix.astype(numpy.float32)


def graph_arguments(matrix, path):
    """What a layer takes after x, for a symmetric matrix: (edge_index, weight) or one sparse object."""
    if path == "csr":
        parts = (torch.from_numpy(matrix.indptr), torch.from_numpy(matrix.indices), torch.from_numpy(matrix.data))
        return (torch.sparse_csr_tensor(*parts, size=matrix.shape),)
    coo = matrix.tocoo()
    index = torch.from_numpy(numpy.stack([coo.col, coo.row]).astype(numpy.int64))
    weight = torch.from_numpy(coo.data)
    if path == "coo":
        return index, weight
    edges = EdgeIndex(index, sparse_size=matrix.shape, sort_order="col", is_undirected=True)
    return edges.validate().fill_cache_(), weight  # sorted by target, remembers its transpose


def hypergraph_arguments(dataset, path):
    """What a layer takes after x: pairs (vertex, hyperedge), or DeepHypergraph's structure with its matrix cached."""
    if path == "dhg":
        import dhg
        return (dhg.Hypergraph(dataset.n, dataset.hyperedges),)
    sizes = [len(members) for members in dataset.hyperedges]
    pairs = (numpy.concatenate(dataset.hyperedges), numpy.repeat(numpy.arange(len(sizes)), sizes))
    return (torch.from_numpy(numpy.stack(pairs).astype(numpy.int64)),)


def feature_tensor(features, layout):
    """dense, or the sparse layouts csr and coo of torch."""
    if not scipy.sparse.issparse(features):
        return torch.from_numpy(features)
    if layout == "dense":
        return torch.from_numpy(features.toarray())
    csr = torch.sparse_csr_tensor(torch.from_numpy(features.indptr.astype(numpy.int64)),
                                  torch.from_numpy(features.indices.astype(numpy.int64)),
                                  torch.from_numpy(features.data), size=features.shape)
    return csr if layout == "csr" else csr.to_sparse_coo().coalesce()


def drop(x, rate, training):
    """Dropout; of a sparse matrix only the entries that are there."""
    if not training or rate == 0:
        return x
    if x.layout == torch.strided:
        return F.dropout(x, rate)
    if x.layout == torch.sparse_csr:
        return torch.sparse_csr_tensor(x.crow_indices(), x.col_indices(), F.dropout(x.values(), rate), size=x.shape)
    return torch.sparse_coo_tensor(x.indices(), F.dropout(x.values(), rate), x.shape, is_coalesced=True)


class SparseLinear(torch.nn.Module):
    """Takes the place of a layer's own linear map where the features are sparse."""

    def __init__(self, linear):
        super().__init__()
        self.weight = torch.nn.Parameter(linear.weight.detach().t().contiguous())

    def forward(self, x):
        return torch.sparse.mm(x, self.weight)


class Network(torch.nn.Module):
    """layers x (dropout, convolution, norm, activation); the last one without norm and activation."""

    def __init__(self, hyper, inputs, classes, sparse_input):
        super().__init__()
        self.hyper = hyper
        heads = hyper.heads if hyper.model == "gat" else 1
        widths = [inputs] + [hyper.hidden * heads] * (hyper.layers - 1) + [classes]
        last = hyper.layers - 1
        self.convolutions = torch.nn.ModuleList(
            make_layer(hyper, widths[i], classes if i == last else hyper.hidden, i == last)
            for i in range(hyper.layers))
        self.skips = torch.nn.ModuleList(torch.nn.Linear(widths[i], widths[i + 1], bias=False)
                                         if hyper.residual and widths[i] != widths[i + 1] else torch.nn.Identity()
                                         for i in range(last))
        norm = {"none": torch.nn.Identity, "layer": torch.nn.LayerNorm, "batch": torch.nn.BatchNorm1d}[hyper.norm]
        self.norms = torch.nn.ModuleList(norm(width) for width in widths[1:-1])
        self.activation = F.elu if hyper.model == "gat" else F.relu
        if sparse_input:
            self.convolutions[0].lin = SparseLinear(self.convolutions[0].lin)

    def forward(self, x, graph):
        for i, convolution in enumerate(self.convolutions):
            x = drop(x, self.hyper.dropout if i else self.hyper.input_dropout, self.training)
            y = convolution(x, *graph)
            if i < len(self.norms):
                y = self.activation(self.norms[i](y))
                y = y + self.skips[i](x) if self.hyper.residual else y
            x = y
        return x


def make_layer(hyper, width, out, last):
    if hyper.model == "gcn":
        return gnn.GCNConv(width, out, normalize=False)
    if hyper.model == "hgnn":
        return DeepHgnn(width, out) if hyper.path == "dhg" else gnn.HypergraphConv(width, out)
    if hyper.model == "sage":
        return Sage(width, out)
    if hyper.model == "gat":
        heads = hyper.output_heads if last else hyper.heads
        return Gat(width, out, heads, concat=not last, dropout=hyper.attention_dropout, add_self_loops=False)
    return Mlp(width, out)


class Sage(gnn.SAGEConv):
    """The mean needs no weights."""

    def forward(self, x, graph, weight=None):
        return super().forward(x, graph)


class Gat(gnn.GATConv):
    """The matrix has the self-loops, its values are not used."""

    def forward(self, x, graph, weight=None):
        return super().forward(x, graph)


class DeepHgnn(torch.nn.Module):
    """HGNN's convolution as DeepHypergraph computes it: a product with D_v^-1/2 H W D_e^-1 H^T D_v^-1/2, made once."""

    def __init__(self, width, out):
        super().__init__()
        self.lin = torch.nn.Linear(width, out)

    def forward(self, x, hypergraph):
        return hypergraph.smoothing_with_HGNN(self.lin(x))


class Mlp(torch.nn.Linear):
    def forward(self, x, *graph):
        return super().forward(x)
