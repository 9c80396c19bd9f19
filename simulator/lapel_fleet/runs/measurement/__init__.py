"""What is measured during a run: samples, event loop lag, resident memory."""
