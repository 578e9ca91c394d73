"""One case in one file, and the checks that make a verdict of it with nothing but the node's verifier key."""
