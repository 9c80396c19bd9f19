"""The commands of `lapel-evidence`, one module each: `NAME`, `HELP`, `add_options(parser)` and `run(options)`."""
