"""The dashboard and its JSON API; reads the store, starts without torch."""
