"""What trips breakers by itself: one detector a file, each a pure function of a scope's signals, the moment and its limits."""
