"""Where a graph becomes running PyTorch: source, modules, the sandbox and its pool."""
