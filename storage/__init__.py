"""The SQL store: rows never leave it."""
