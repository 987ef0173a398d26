"""Measuring an architecture: tasks, training, cost."""
