"""Control of a running fleet over a local socket, from a shell or any language."""
