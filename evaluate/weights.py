"""Trained weights in files: a ``state_dict`` and nothing else, so that reading one runs no code."""

import os
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError  # noqa: TID251 (what torch raises in place of unpickling what is no tensor)
from zipfile import is_zipfile

import torch
from torch import nn

from archsmith.evaluate.evaluator import NotWritten
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.runtime.lower import lower
from archsmith.runtime.modules import book_of
from archsmith.runtime.post_mortem import ran_out_of_memory


def save_weights(module: nn.Module, path: Path) -> None:
    """Write the module's parameters and buffers, on the CPU; a reader sees the whole file or none.

    Raises:
        NotWritten: the disk is full, or the folder does not let itself be written.
    """
    weights = {name: tensor.cpu() for name, tensor in module.state_dict().items()}
    write_whole(path, lambda unfinished: torch.save(weights, unfinished), what="trained weights")


def write_whole(path: Path, write: Callable[[Path], object], *, what: str) -> None:
    """Have ``write`` make a file beside ``path``, and move it there when it is whole.

    Raises:
        NotWritten: the disk is full, or the folder does not let itself be written; it names ``what`` was to be kept.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(unfinished)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:  # torch's word for a file that it cannot write is RuntimeError
        if ran_out_of_memory(error):
            raise
        why = str(error).strip().partition("\n")[0]
        raise NotWritten(
            f"{path.parent} must take the {what}, and they cannot be written ({why}): "
            "free some space there or make it writable, then resume"
        ) from error


def trained_module(graph: Graph, path: Path) -> nn.Module:
    """The graph's module with the weights in the file, in evaluation mode.

    Raises:
        UserError: there is no such file, or its weights are not this architecture's.
    """
    if not path.is_file():
        raise UserError(f"weights must be a file; there is none at {path}")
    if not is_zipfile(path):
        raise UserError(f"weights must be a file that archsmith wrote; {path} is not one")
    module = lower(graph, book_of(graph))
    try:
        module.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except UnpicklingError:  # its own text tells people to load the file unsafely
        raise UserError(f"weights must be a file that archsmith wrote; {path} holds more than weights") from None
    except RuntimeError as error:  # torch's word for keys and shapes that do not match
        raise UserError(f"{path} must hold the weights of this architecture; {error}") from error
    return module.eval()
