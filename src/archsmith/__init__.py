"""archsmith makes valid neural networks: it finds the best ones, and fuzzes PyTorch with the strangest.

The rooms of the house are sub-packages; ``docs/design.md`` shows how a datum flows through them.
Importing this package imports nothing else: torch is loaded only where it is used.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("archsmith")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0.0.0"

__all__ = ["__version__"]
