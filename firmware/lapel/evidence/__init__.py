"""Recordings on the storage card: writing, listing, and recovery after a power cut."""
