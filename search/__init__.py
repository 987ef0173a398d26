"""Searchers: pure algorithms over traces; no torch, no clock, no disk."""
