#!/usr/bin/env bash
# Makes a virtual environment with PyTorch and PyTorch Geometric, which the comparisons need: setup_pyg.sh FOLDER
# The Linux wheel of PyTorch on PyPI links against CUDA's libraries and does not load without them (5.6 GB in all),
# on machines without a GPU too. The two extensions are optional: they are compiled from source (about 10 minutes).
set -euo pipefail

folder=${1:?usage: setup_pyg.sh FOLDER [--extensions]}
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet torch torch_geometric numpy scipy setuptools wheel
if [ "${2:-}" = --extensions ]; then
  MAX_JOBS=${MAX_JOBS:-$(nproc)} FORCE_CUDA=0 CUDA_VISIBLE_DEVICES='' \
    "$folder/bin/pip" install --quiet --no-build-isolation torch-scatter torch-sparse ||
    echo "setup_pyg: the extensions do not compile here; going on without them" >&2
fi
"$folder/bin/python" -W ignore -c '
import torch, torch_geometric
print("torch", torch.__version__, "torch_geometric", torch_geometric.__version__, "MKL", torch.backends.mkl.is_available())'
