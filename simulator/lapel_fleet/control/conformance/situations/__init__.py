"""The situations, by what they are about. A new function with `@situation()` in one of the modules is a new one."""
