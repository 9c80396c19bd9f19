"""Recordings on the storage card: written, signed, encrypted, recovered; and checked, without a camera."""
