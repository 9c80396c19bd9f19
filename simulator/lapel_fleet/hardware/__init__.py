"""Simulated devices, one per file: each implements an interface of the firmware and can be disturbed from outside."""
