"""Fuzzing: cases from the rule book, oracles, findings."""
