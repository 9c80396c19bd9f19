"""Control of a running fleet from tests, plugins, shells and other processes."""
