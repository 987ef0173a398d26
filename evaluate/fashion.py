"""Fashion-MNIST (Xiao et al. 2017): pictures of clothes, in the format and the sizes of MNIST."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsmith.evaluate.idx import read_idx
from archsmith.evaluate.task import Data, Task
from archsmith.graph.errors import UserError

if TYPE_CHECKING:
    import numpy

    Part = tuple["numpy.ndarray[Any, Any]", "numpy.ndarray[Any, Any]"]

NAME = "fashion_mnist"
FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package ``dataset-fashion-mnist`` puts the files."""

VAL = 10_000
"""The last images of the training part are held out for validation."""

SIZE, CLASSES = 28, 10
STEMS = ("train", "t10k")


def fashion_mnist(folder: Path = FOLDER) -> Task:
    """The task on the four IDX files of a folder, each plain or as ``.gz``.

    Raises:
        UserError: a file is missing.
    """
    for stem in STEMS:
        for kind in ("images-idx3", "labels-idx1"):
            _file(folder, f"{stem}-{kind}-ubyte")
    return _task(folder)


def load(folder: Path) -> Data:
    """50,000 training, 10,000 validation and 10,000 test images ``[N, 1, 28, 28]``, split the same on every call.

    Pixels (0 to 255) are standardised by the mean and the deviation of all training pixels.

    Raises:
        UserError: a file is missing, damaged, or holds something else.
    """
    import numpy as np

    (images, labels), test = (_part(folder, stem) for stem in STEMS)
    if len(images) <= VAL:
        raise UserError(
            f"{folder} must have more than {VAL} training images, the last for validation; it has {len(images)}"
        )
    train, val = (images[:-VAL], labels[:-VAL]), (images[-VAL:], labels[-VAL:])
    mean, deviation = train[0].mean(), train[0].std()
    if deviation == 0:
        raise UserError(f"{folder} must have training images that differ; all pixels are {mean:g}")

    def standardised(part: "Part") -> "Part":
        pixels = part[0].astype(np.float32)[:, None]
        return (pixels - np.float32(mean)) / np.float32(deviation), part[1].astype(np.int64)

    return Data(*map(standardised, (train, val, test)))


def _task(folder: Path) -> Task:
    return Task(NAME, input_shape=(1, SIZE, SIZE), outputs=CLASSES, kind="classification", load=partial(load, folder))


def _part(folder: Path, stem: str) -> "Part":
    images = read_idx(_file(folder, f"{stem}-images-idx3-ubyte"))
    labels = read_idx(_file(folder, f"{stem}-labels-idx1-ubyte"))
    count = images.shape[:1]
    for what, array, shape in (("images", images, (*count, SIZE, SIZE)), ("labels", labels, count)):
        if array.dtype != "u1" or array.shape != shape:
            raise UserError(
                f"{folder}: {stem} {what} must be bytes {list(shape)}; got {array.dtype.name} {list(array.shape)}"
            )
    return images, labels


def _file(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise UserError(
        f"task {NAME} must find {name} or {name}.gz in {folder}, and there is none: install Debian's package"
        f" dataset-fashion-mnist, or give the folder that has the four files: {NAME}:FOLDER"
    )


FASHION_MNIST = _task(FOLDER)
