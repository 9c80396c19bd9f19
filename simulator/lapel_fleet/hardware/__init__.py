"""Simulated devices: each fits an interface of the firmware and has an outside-world side that a test can work."""
