"""The commands, one module per noun. A new module with a `NOUN` is a new command; nothing else has to change."""
