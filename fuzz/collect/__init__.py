"""Collecting calls: operators by name, tracers, and the files and sources that calls come from."""
