import base64
import hmac
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from lapel.errors import EvidenceError
from lapel.evidence.vault import TAG_BYTES, Cipher, ClipKey, Vault, open_key, preferred_cipher

AGENCY, PROSECUTOR = (X25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
CIPHERS: tuple[Cipher, ...] = ("aes-256-gcm", "chacha20-poly1305")
LINE = "ab" * 32


def clip_key(cipher: Cipher = "aes-256-gcm", recording: str = "clip-1") -> ClipKey:
    return Vault([AGENCY.public_key(), PROSECUTOR.public_key()], cipher).clip_key(recording)


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("reader", [AGENCY, PROSECUTOR])
def test_each_recipient_reads_what_was_sealed(cipher: Cipher, reader: X25519PrivateKey) -> None:
    key = clip_key(cipher)
    stored = key.seal(b"moof and mdat", 1, LINE)
    assert len(stored) == len(b"moof and mdat") + TAG_BYTES
    assert b"moof" not in stored
    assert open_key(key.encryption, "clip-1", reader).unseal(stored, 1, LINE) == b"moof and mdat"


def test_a_key_that_the_clip_is_not_wrapped_for_is_named_in_one_line() -> None:
    with pytest.raises(EvidenceError, match=r"encrypted for the key .*, not for this one") as raised:
        open_key(clip_key().encryption, "clip-1", X25519PrivateKey.generate())
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "recording"),
    [
        ({}, "clip-2"),
        ({"wrapped_key": base64.b64encode(bytes(80)).decode()}, "clip-1"),
        ({"wrapped_key": "AAAA"}, "clip-1"),
        ({"wrapped_key": "not base64"}, "clip-1"),
    ],
)
def test_a_wrapped_key_of_another_clip_or_a_changed_one_does_not_open(change: dict[str, str], recording: str) -> None:
    encryption = clip_key().encryption
    changed = [msgspec.structs.replace(one, **change) for one in encryption.recipients]
    with pytest.raises(EvidenceError, match="wrapped key"):
        open_key(msgspec.structs.replace(encryption, recipients=changed), recording, AGENCY)


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize(
    "elsewhere",
    [
        {"number": 2},
        {"previous": "cd" * 32},
        {"stored": b""},
        {"stored": b"short"},
    ],
)
def test_a_fragment_decrypts_only_at_its_own_place(cipher: Cipher, elsewhere: dict[str, Any]) -> None:
    key = clip_key(cipher)
    place = {"stored": key.seal(b"video", 1, LINE), "number": 1, "previous": LINE}
    with pytest.raises(EvidenceError, match="does not decrypt"):
        open_key(key.encryption, "clip-1", AGENCY).unseal(**{**place, **elsewhere})


@given(st.data())
def test_any_changed_bit_is_noticed(data: st.DataObject) -> None:
    key = clip_key()
    stored = bytearray(key.seal(b"video", 1, LINE))
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(EvidenceError):
        open_key(key.encryption, "clip-1", AGENCY).unseal(bytes(stored), 1, LINE)


@pytest.mark.parametrize("number", [0, 4, 5])
def test_no_number_is_sealed_twice(number: int) -> None:
    key = clip_key()
    key.seal(b"video", 5, LINE)
    with pytest.raises(ValueError, match="sealed twice"):
        key.seal(b"other", number, LINE)


def test_each_clip_has_a_key_of_its_own() -> None:
    vault = Vault([AGENCY.public_key()], "aes-256-gcm")
    keys = [open_key(vault.clip_key(clip).encryption, clip, AGENCY).data_key for clip in ("clip-1", "clip-2")]
    assert keys[0] != keys[1]


def test_without_a_recipient_there_is_no_vault() -> None:
    with pytest.raises(EvidenceError, match="at least one recipient"):
        Vault([], "aes-256-gcm")


@pytest.mark.parametrize(
    ("cpuinfo", "cipher"),
    [
        ("processor : 0\nflags\t\t: fpu vme aes avx\n", "aes-256-gcm"),
        ("processor : 0\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32\n", "aes-256-gcm"),
        (
            "processor : 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\nModel : Raspberry Pi 4, no aes\n",
            "chacha20-poly1305",
        ),
        ("", "chacha20-poly1305"),
    ],
)
def test_the_cipher_is_the_one_that_the_processor_is_fast_at(cpuinfo: str, cipher: Cipher) -> None:
    assert preferred_cipher(cpuinfo) == cipher


# -- the same by the letter of RFC 9180 and of the module's docstring, without `vault.py` and `hpke` -------------------


def rfc9180_open(wrapped: bytes, private: X25519PrivateKey, info: bytes) -> bytes:
    """Base mode of DHKEM(X25519, HKDF-SHA256) = 0x0020, HKDF-SHA256 = 0x0001, AES-256-GCM = 0x0002; one message."""
    encapsulated, ciphertext = wrapped[:32], wrapped[32:]
    shared = private.exchange(X25519PublicKey.from_public_bytes(encapsulated))
    own = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    kem, suite = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"
    prk = extract(b"", kem, b"eae_prk", shared)
    secret = expand(prk, kem, b"shared_secret", encapsulated + own, 32)
    hashes = extract(b"", suite, b"psk_id_hash", b"") + extract(b"", suite, b"info_hash", info)
    schedule = extract(secret, suite, b"secret", b"")
    key = expand(schedule, suite, b"key", b"\x00" + hashes, 32)
    nonce = expand(schedule, suite, b"base_nonce", b"\x00" + hashes, 12)
    return AESGCM(key).decrypt(nonce, ciphertext, b"")


def extract(salt: bytes, suite: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt, b"HPKE-v1" + suite + label + material, "sha256")


def expand(prk: bytes, suite: bytes, label: bytes, info: bytes, length: int) -> bytes:
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.digest(prk, labelled + b"\x01", "sha256")[:length]


@pytest.mark.parametrize(("cipher", "aead"), [("aes-256-gcm", AESGCM), ("chacha20-poly1305", ChaCha20Poly1305)])
def test_a_reader_written_after_the_documents_alone_reads_a_clip(cipher: Cipher, aead: Any) -> None:
    key = clip_key(cipher, "20261127T040000Z-1a2b")
    stored = key.seal(b"video", 7, LINE)
    wrapped = base64.b64decode(key.encryption.recipients[0].wrapped_key)
    data_key = rfc9180_open(wrapped, AGENCY, b"lapel-clip-key-1\n20261127T040000Z-1a2b\n")
    associated = f"lapel-fragment-1\n20261127T040000Z-1a2b\n7\n{LINE}\n".encode()
    assert aead(data_key).decrypt(bytes(11) + b"\x07", stored, associated) == b"video"
    with pytest.raises(InvalidTag):
        rfc9180_open(wrapped, PROSECUTOR, b"lapel-clip-key-1\n20261127T040000Z-1a2b\n")
