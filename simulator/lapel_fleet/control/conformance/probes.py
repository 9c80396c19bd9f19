"""Probes: how a back end is asked what it believes, in Python, over HTTP or over a command's standard streams.

Each answers for one camera with as many of the four questions as the back end knows. A question without an answer
makes a situation *not applicable*, never passed.
"""

import json
import queue
import shlex
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote

from lapel.errors import ConfigError, LapelError
from lapel_fleet.control.conformance.story import QUESTIONS, Question

TIMEOUT_S = 10.0
"""How long an answer may take."""


class ProbeError(LapelError):
    """The probe gave no usable answer. Says which camera was asked, and what came."""


class Probe(Protocol):
    """Asks a back end about one camera."""

    def ask(self, camera: str) -> Mapping[str, Any]:
        """What the back end believes about `site/camera`, by question. Raises ProbeError."""

    def close(self) -> None:
        """Release what it uses."""


class ObjectProbe:
    """A Python object with a method for each question that it can answer, such as `state(camera)`."""

    def __init__(self, back_end: object) -> None:
        """Raises ConfigError when it cannot even answer `state`."""
        self._methods = {one: getattr(back_end, one) for one in QUESTIONS if callable(getattr(back_end, one, None))}
        if "state" not in self._methods:
            raise ConfigError(
                f"{type(back_end).__name__} has no method state(camera): a probe answers with the state that the back "
                "end shows for `site/camera`; see docs/conformance.md"
            )

    def ask(self, camera: str) -> Mapping[str, Any]:
        """See `Probe.ask`."""
        return {question: self._answer(question, camera) for question in self._methods}

    def close(self) -> None:
        """See `Probe.close`."""

    def _answer(self, question: Question, camera: str) -> Any:
        try:
            return self._methods[question](camera)
        except Exception as error:
            raise ProbeError(f"{question}({camera!r}) raised {type(error).__name__}: {error}") from error


class HttpProbe:
    """A URL with `{site}` and `{camera}` in it, which returns one JSON object."""

    def __init__(self, url: str) -> None:
        """Raises ConfigError when it cannot be such a URL."""
        if not url.startswith(("http://", "https://")) or "{camera}" not in url:
            raise ConfigError(f"--probe {url}: give http://HOST/PATH/{{site}}/{{camera}}, with both words in braces")
        self._url = url

    def ask(self, camera: str) -> Mapping[str, Any]:
        """See `Probe.ask`. 404 means that the back end does not know the camera."""
        site, name = camera.split("/")
        url = self._url.replace("{site}", quote(site, safe="")).replace("{camera}", quote(name, safe=""))
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
                return _json_object(answer.read(), url)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 404:
                    return {}
                raise ProbeError(f"{url}: HTTP status {error.code}") from error
        except (OSError, urllib.error.URLError) as error:
            raise ProbeError(f"{url}: {getattr(error, 'reason', error)}") from error

    def close(self) -> None:
        """See `Probe.close`."""


class CommandProbe:
    """A command that reads `{"camera": "site/camera"}` and writes one JSON object, a line each."""

    def __init__(self, command: str) -> None:
        """Starts it. Raises ConfigError when it cannot be started."""
        self._command = shlex.split(command)
        self._lines: queue.Queue[str] = queue.Queue()
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start the command."""
        try:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
            )
        except OSError as error:
            raise ConfigError(f"--probe-command {self._command[0]}: cannot be started: {error.strerror}") from error
        self._lines = queue.Queue()
        threading.Thread(target=_read_lines, args=(self._process, self._lines), daemon=True).start()

    def ask(self, camera: str) -> Mapping[str, Any]:
        """See `Probe.ask`."""
        process = self._process
        if process is None or process.stdin is None or process.poll() is not None:
            raise ProbeError(f"{self._command[0]}: the probe command has ended")
        try:
            process.stdin.write(json.dumps({"camera": camera}) + "\n")
            process.stdin.flush()
            line = self._lines.get(timeout=TIMEOUT_S)
        except (OSError, queue.Empty) as error:
            raise ProbeError(f"{self._command[0]}: no answer about {camera} within {TIMEOUT_S:g} s") from error
        return _json_object(line.encode(), f"{self._command[0]}, asked about {camera}")

    def close(self) -> None:
        """Close its standard input, and end it if that does not."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.communicate(timeout=2)
        except (subprocess.TimeoutExpired, ValueError):
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def _read_lines(process: subprocess.Popen[str], lines: "queue.Queue[str]") -> None:
    """Move the lines of a process into a queue, where a reader can wait with a limit."""
    assert process.stdout is not None
    try:
        for line in process.stdout:
            lines.put(line)
    except ValueError:
        pass  # closed


def _json_object(text: bytes, origin: str) -> Mapping[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        raise ProbeError(f"{origin}: the answer is not JSON: {text[:80]!r}") from None
    if not isinstance(answer, dict):
        raise ProbeError(f"{origin}: the answer is not one JSON object: {text[:80]!r}")
    return answer
