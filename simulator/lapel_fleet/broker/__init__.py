"""The broker of a run: embedded or the user's own, its address, identities, and clean-up of retained messages."""
