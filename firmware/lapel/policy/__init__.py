"""An agency's policy: when a camera must record, when it may, and what it asks for first. Pure but for loading."""
