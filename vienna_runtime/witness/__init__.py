"""A witness: an independent process that cosigns a log's checkpoints as long as the log only grows, and remembers how far it came."""
