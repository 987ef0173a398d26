"""The IDX format, in which MNIST and its relatives come: an array of numbers behind a header of sizes."""

import gzip
import zlib
from math import prod
from pathlib import Path
from struct import unpack
from typing import TYPE_CHECKING, Any

from archsmith.graph.errors import UserError

if TYPE_CHECKING:
    import numpy

GZIP = b"\x1f\x8b"

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""NumPy's names of the format's types, by their byte in the header; numbers are big-endian."""

RANKS = 32
"""Dimensions at most: NumPy takes not many more."""


def read_idx(path: Path) -> "numpy.ndarray[Any, Any]":
    """The array of a file, plain or compressed by gzip, whatever it is called; it cannot be written to.

    Raises:
        UserError: the file cannot be read, is no IDX file, or has fewer or more numbers than its header says.
    """
    import numpy as np

    data = _content(path)
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in DTYPES:
        raise UserError(f"{path} must be an IDX file: two zero bytes, then a type and a rank; got {data[:4].hex(' ')}")
    dtype, rank = np.dtype(DTYPES[data[2]]), data[3]
    start = 4 + 4 * rank
    if rank > RANKS:
        raise UserError(f"{path} must have at most {RANKS} dimensions; its header says {rank}")
    if len(data) < start:
        raise UserError(f"{path} must give {rank} sizes in its header; it ends before the last")
    shape = unpack(f">{rank}I", data[4:start])
    wanted, given = prod(shape) * dtype.itemsize, len(data) - start
    if wanted != given:
        raise UserError(f"{path} must have {wanted} bytes of data for {list(shape)} numbers; it has {given}")
    return np.frombuffer(data, dtype, offset=start).reshape(shape)


def _content(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data.startswith(GZIP) else data
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} must be a file that can be read, whole; {error}") from None
