"""A built-in evidence back end: the server's half of the Axis Body worn integration API, with faults.

`back_end.py` answers requests and knows no sockets, so that thousands of cameras talk to it in virtual time;
`application.py` serves the same over HTTP.
"""
