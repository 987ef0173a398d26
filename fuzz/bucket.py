"""Which failures are one: a key that other cases with the same cause share, without reducing them first."""

import re
from hashlib import blake2b

from archsmith.fuzz.oracles.protocol import DISAGREEMENTS, Failure

_NORMAL = (
    (r"\x1b\[[0-9;]*m", ""),
    (r"0x[0-9a-fA-F]+", "#"),
    (r"(?:/[\w.+-]+)+/([\w.+-]+)", r"\1"),  # a path: its last part
    (r"\bc[a-z2-7]{51}\b", "#"),  # inductor names files after the digest of what is in them
    (r"[(\[][\d\s,x.-]*[)\]]", "#"),  # a shape, an index
    (r"\b([A-Za-z_]+?)_?\d+(?:_\d+)*\b(?!\()", r"\1#"),  # v12, buf3; but log2( is a function
    (r"(?<![A-Za-z\d_])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", "#"),
    (r"\s+", " "),
)


def normalised(text: str) -> str:
    """The text without what differs from case to case: numbers, shapes, addresses, folders."""
    for pattern, replacement in _NORMAL:
        text = re.sub(pattern, replacement, text)
    return text.strip()


def bucket(failure: Failure) -> str:
    """The key of the failure: ``inductor/wrong value/3f2a90b1c47d``.

    Disagreements fall together when they are in the same place, all other failures when, besides, the first lines of
    their messages say the same.
    """
    cause = failure.where
    if failure.kind not in DISAGREEMENTS:
        cause = f"{cause}: {normalised(failure.message.partition(chr(10))[0])}"
    digest = blake2b(cause.encode(), digest_size=6).hexdigest()
    return f"{failure.oracle}/{failure.kind}/{digest}"
