"""The shared language: expressions, rules, typed graphs. Imports neither torch nor z3."""
