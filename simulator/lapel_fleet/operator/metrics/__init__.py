"""Prometheus metrics of a fleet, by site: made from its messages, so that they work for simulated and real cameras."""
