"""The search-space language: decisions, traces, tree nodes and the graph-growing walk."""
