"""Trained weights in files: a ``state_dict`` and nothing else, so that reading one runs no code."""

import os
from pathlib import Path
from zipfile import is_zipfile

import torch
from torch import nn

from archsmith.graph.book import RuleBook
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.runtime.lower import lower


def save_weights(module: nn.Module, path: Path) -> None:
    """Write the module's parameters and buffers, on the CPU; a reader sees the whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        torch.save({name: tensor.cpu() for name, tensor in module.state_dict().items()}, unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def trained_module(graph: Graph, path: Path, book: RuleBook = DECLARED) -> nn.Module:
    """The graph's module with the weights in the file, in evaluation mode.

    Raises:
        UserError: there is no such file, or its weights are not this architecture's.
    """
    if not path.is_file():
        raise UserError(f"weights must be a file; there is none at {path}")
    if not is_zipfile(path):
        raise UserError(f"weights must be a file that archsmith wrote; {path} is not one")
    module = lower(graph, book)
    try:
        module.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except RuntimeError as error:  # torch's word for keys and shapes that do not match
        raise UserError(f"{path} must hold the weights of this architecture; {error}") from error
    return module.eval()
