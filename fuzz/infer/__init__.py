"""Rules from records: expressions for what operators return, and preconditions for what they take."""
