#!/usr/bin/env bash
# Makes a virtual environment with PyTorch and PyTorch Geometric, which the comparisons need: setup_pyg.sh FOLDER
# The Linux wheel of PyTorch on PyPI links against CUDA's libraries and does not load without them (5.6 GB in all),
# on machines without a GPU too. The optional extensions (torch-sparse, torch-scatter) are left out: on a CPU PyTorch
# Geometric hands their matrices to torch.sparse anyway, and pyg-lib is not on PyPI.
set -euo pipefail

folder=${1:?usage: setup_pyg.sh FOLDER}
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet torch torch_geometric numpy scipy matplotlib scikit-learn optuna requests pyyaml
"$folder/bin/pip" install --quiet --no-deps dhg  # DeepHypergraph, whose requirements pin an old PyTorch
"$folder/bin/python" -W ignore -c '
import torch, torch_geometric
print("torch", torch.__version__, "torch_geometric", torch_geometric.__version__, "MKL", torch.backends.mkl.is_available())'
