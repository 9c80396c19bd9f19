"""The hand from outside: a running fleet, steered over a local socket, from a shell or any language."""
