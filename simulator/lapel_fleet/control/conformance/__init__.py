"""The conformance suite: named situations of the field, and whether a back end believes the truth after each."""
