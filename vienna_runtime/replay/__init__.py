"""Recorded intents, asked again of another bundle with the state as it was then."""
