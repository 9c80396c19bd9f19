"""Recordings leave the camera for an evidence back end: once, whole, and confirmed. One file per kind of back end."""
