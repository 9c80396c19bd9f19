"""A time-stamping authority on loopback: HTTP in front of `openssl ts`."""

import contextlib
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

_CONFIGURATION = """\
[tsa]
default_tsa = here
[here]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
"""
_CURVE = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
_USE = "-addext extendedKeyUsage=critical,timeStamping -addext keyUsage=critical,digitalSignature"


class TimeAuthority:
    """Answers requests at `url`. `root` is the certificate to trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.root = folder / "root.crt"
        self.url = ""
        self.answers_with: bytes | None = None
        """Sent in place of a real answer."""
        folder.mkdir()
        (folder / "ts.cnf").write_text(_CONFIGURATION)
        (folder / "serial").write_text("01\n")
        self._openssl(f"req -x509 {_CURVE} -keyout root.key -out root.crt -subj /CN=Root -days 30")
        self._openssl(f"req {_CURVE} -keyout tsa.key -out tsa.csr -subj /CN=Clock {_USE}")
        self._openssl(
            "x509 -req -in tsa.csr -CA root.crt -CAkey root.key -days 30 -out tsa.crt -copy_extensions copyall"
        )

    def answer(self, query: bytes) -> bytes:
        """The authority's answer to a request in DER."""
        (self._folder / "query.tsq").write_bytes(query)
        self._openssl("ts -reply -config ts.cnf -queryfile query.tsq -signer tsa.crt -inkey tsa.key -out token.tsr")
        return (self._folder / "token.tsr").read_bytes()

    def _openssl(self, arguments: str) -> None:
        subprocess.run(["openssl", *arguments.split()], cwd=self._folder, check=True, capture_output=True)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[TimeAuthority]:
    """An authority with its files in a new `folder`."""
    authority = TimeAuthority(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            answer = authority.answer(query) if authority.answers_with is None else authority.answers_with
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(answer)

        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        authority.url = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield authority
        finally:
            server.shutdown()
            thread.join()
