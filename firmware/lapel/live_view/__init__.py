"""Live view: the fragments of the recording in progress over HTTP, as HLS, for viewers with a token."""
