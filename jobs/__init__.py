"""The loops: a study asks, evaluates, tells and records; a campaign generates, checks and records."""
