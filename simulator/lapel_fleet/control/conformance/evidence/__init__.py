"""The conformance suite for evidence back ends: what cameras upload, and whether the back end has exactly that."""
