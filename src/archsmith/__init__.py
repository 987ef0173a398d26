"""archsmith makes valid neural networks: it finds the best ones, and fuzzes PyTorch with the strangest.

The rooms of the house are sub-packages; ``docs/design.md`` shows how a datum flows through them.
Importing this package imports nothing else: torch is loaded only where it is used.
"""

__version__ = "0.1.0"  # the build takes it from here: asking the installed metadata costs every command 50 ms

__all__ = ["__version__"]
