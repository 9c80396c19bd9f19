"""One file a noun. A module here with a `NOUN` is a command; nothing else needs to know of it."""
