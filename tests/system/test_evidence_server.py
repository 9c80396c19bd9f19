"""`lapel-fleet evidence-server` over real sockets, with a plain HTTP client that follows the text of the API."""

import json
import signal
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from fleet.runs.evidence_back_end.axis_client import CLIP, MANIFEST, RECORDING, VIDEO, AxisClient, whole_clip
from lapel.evidence.receipt import check_receipt
from lapel.evidence.receipt_files import read_back_ends
from lapel_fleet.runs.evidence_back_end.exchange import Answer
from lapel_fleet.runs.evidence_back_end.receipts import verified_manifest
from system.process import Program, program

FLEET = Path(sys.executable).with_name("lapel-fleet")


def server(folder: Path, *faults: str, name: str = "server") -> AbstractContextManager[Program]:
    options = [part for fault in faults for part in ("--fault", fault)]
    return program(folder, name, FLEET, "evidence-server", "--port", "0", "--dir", folder / "kept", *options)


class HttpClient(AxisClient):
    """The same client over HTTP, with what the connection file says."""

    def __init__(self, folder: Path) -> None:
        self.connection: dict[str, Any] = json.loads((folder / "kept" / "connection.json").read_text())
        self.http = httpx.Client(trust_env=False, timeout=30)
        self.url = self.connection["AuthenticationTokenURI"][0].removesuffix("/auth/v1.0")
        super().__init__(self._over_http)
        assert self.log_in(self.connection["BlobAPIUserName"], self.connection["BlobAPIKey"]) == 200

    def _over_http(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        answer = self.http.request(method, self.url + path, headers=headers, content=body)
        return Answer(
            answer.status_code, {name.title(): value for name, value in answer.headers.items()}, answer.content
        )


async def started(found: Program, folder: Path) -> HttpClient:
    await found.prints(r"give the camera (\S+)")
    return HttpClient(folder)


async def test_a_recording_arrives_as_files_and_survives_a_restart(tmp_path: Path) -> None:
    with server(tmp_path) as found:
        client = await started(found, tmp_path)
        assert client.register() == [201] * 4
        assert client.begin() == 201
        client.upload_lapel_clip()
        assert client.complete().status == 204
        receipt = client.receipt().body
        found.send_signal(signal.SIGTERM)
        assert await found.ends() == 0
    video, manifest = whole_clip()
    folder = tmp_path / "kept" / "containers" / RECORDING
    assert ((folder / CLIP).read_bytes(), (folder / MANIFEST).read_bytes()) == (video, manifest)
    keys = read_back_ends([tmp_path / "kept" / "receipt-public-key.pem"])
    check_receipt(receipt, verified_manifest("clip-1", manifest), keys)
    assert client.connection["BlobAPIKey"] not in found.out
    with server(tmp_path, name="again") as again:
        later = await started(again, tmp_path)
        assert later.connection["BlobAPIKey"] == client.connection["BlobAPIKey"]
        assert later.receipt().body == receipt
        assert later.request("GET", RECORDING, CLIP).body == video
        head = later.request("HEAD", RECORDING)
        assert (head.status, head.headers["X-Container-Meta-Status"]) == (200, "Complete")
        assert later.upload().status == 403


async def test_a_cut_upload_and_a_lost_answer_break_the_connection(tmp_path: Path) -> None:
    with server(tmp_path, "cut=1", "lost-receipt=1", "slow") as found:
        client = await started(found, tmp_path)
        client.register()
        client.begin()
        with pytest.raises(httpx.TransportError):
            client.upload(body=VIDEO * 200)
        assert client.request("HEAD", RECORDING, CLIP).status == 404
        assert client.upload(body=VIDEO * 200).status == 201
        with pytest.raises(httpx.TransportError):
            client.complete()
        assert client.request("HEAD", RECORDING).headers["X-Container-Meta-Status"] == "Complete"
        assert not list((tmp_path / "kept" / ".uploads").iterdir())


async def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    with server(tmp_path) as found:
        client = await started(found, tmp_path)
        client.register()
        for name in ("%2E%2E%2F%2E%2E%2F%2E%2E%2Foutside", "%2E%2E", ".container.json", "a%2F%2E%2E%2F%2E%2E%2Fb"):
            url = f"{client.url}/v1/AUTH_lapel/Users/{name}"
            assert client.http.put(url, headers={"X-Auth-Token": client.token}, content=b"x").status_code == 201
        found.send_signal(signal.SIGTERM)
        await found.ends()
    kept = tmp_path / "kept"
    assert {one.name for one in (kept / "containers").iterdir()} == {"Users", "Devices"}
    assert {one.name for one in tmp_path.iterdir()} == {"kept", "server.out", "server.err"}
    assert json.loads((kept / "containers" / "Users" / ".container.json").read_text())["objects"]


@pytest.mark.parametrize(
    ("options", "text"),
    [(("--fault", "ful"), "there is no fault ful; did you mean `full`?"), (("--port", "99999"), "cannot listen there")],
)
async def test_bad_options_are_one_line(tmp_path: Path, options: tuple[str, ...], text: str) -> None:
    with program(tmp_path, "bad", FLEET, "evidence-server", "--dir", tmp_path / "kept", *options) as found:
        assert await found.ends() == 2
    assert text in found.err
    assert "Traceback" not in found.err
