"""The digits task: handwritten digits of 8 x 8 pixels, in scikit-learn and so without a download."""

from archsmith.evaluate.task import Data, Task

SPLIT_SEED = 0
VAL = TEST = 360
"""Samples held out for each: a fifth of the 1797; the other 1077 are trained on."""


def load() -> Data:
    """1077 training, 360 validation and 360 test images ``[N, 1, 8, 8]``; every class in proportion.

    Pixels (0 to 16) are standardised by the mean and the deviation of all training pixels. The split is the
    same on every call.
    """
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 1, 8, 8).astype(np.float32)

    everything = np.arange(len(labels))
    rest, test = train_test_split(everything, test_size=TEST, random_state=SPLIT_SEED, stratify=labels)
    train, val = train_test_split(rest, test_size=VAL, random_state=SPLIT_SEED, stratify=labels[rest])
    images = (images - images[train].mean()) / images[train].std()
    return Data(*((images[places], labels[places]) for places in (train, val, test)))


DIGITS = Task("digits", input_shape=(1, 8, 8), outputs=10, kind="classification", load=load)
