"""Examples to copy. A package, because gmqtt installs one of this name, which would be found in its place."""
