"""The door: secrets, rising delay, lock-out that survives the power."""

from pathlib import Path

import pytest

from lapel.console.login import LOCKED_AFTER, LoginGuard, Secrets
from lapel.errors import StorageError
from lapel.worker import InlineWorker
from lapel_fleet.time.clocks import VirtualClock, run_virtual

SECRET = "correct horse battery"


def secrets_at(path: Path) -> Secrets:
    return Secrets(path / "state" / "logins.json", cost=2)


def test_each_wrong_secret_makes_the_next_wait_twice_as_long(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> list[float]:
        door = LoginGuard(secrets_at(tmp_path), clock, InlineWorker())
        await door.set("service", SECRET)
        waits = []
        for _ in range(LOCKED_AFTER):
            begin_s = clock.mono_s()
            assert await door.knock("service", "wrong") == "wrong"
            waits.append(clock.mono_s() - begin_s)
        return waits

    assert run_virtual(story) == [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_the_right_one_ends_the_delay_and_the_count(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        door = LoginGuard(secrets_at(tmp_path), clock, InlineWorker())
        await door.set("service", SECRET)
        for _ in range(LOCKED_AFTER - 1):
            await door.knock("service", "wrong")
        assert await door.knock("service", SECRET) == "open"
        begin_s = clock.mono_s()
        assert await door.knock("service", "wrong") == "wrong"
        assert clock.mono_s() == begin_s
        assert secrets_at(tmp_path).failures("service") == 1

    run_virtual(story)


def test_a_lock_out_survives_the_power_and_not_a_new_secret(tmp_path: Path) -> None:
    secrets = secrets_at(tmp_path)
    secrets.set("service", SECRET)
    for number in range(LOCKED_AFTER):
        assert secrets_at(tmp_path).check("service", f"wrong {number}") == "wrong"  # the power goes after each
    assert secrets_at(tmp_path).check("service", SECRET) == "locked"
    secrets_at(tmp_path).set("service", "another good one")
    assert secrets_at(tmp_path).check("service", "another good one") == "open"


def test_one_role_s_lock_out_is_not_the_other_s(tmp_path: Path) -> None:
    secrets = secrets_at(tmp_path)
    secrets.set("service", SECRET)
    secrets.set("viewer", SECRET + "2")
    for _ in range(LOCKED_AFTER):
        secrets.check("viewer", "wrong")
    assert secrets.check("service", SECRET) == "open"
    secrets.forgive("viewer")
    assert secrets.check("viewer", SECRET + "2") == "open"


def test_a_card_that_takes_no_count_gives_no_free_guesses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = secrets_at(tmp_path)
    secrets.set("service", SECRET)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lapel.console.login.replace", full)
    for _ in range(LOCKED_AFTER):
        assert secrets.check("service", "wrong") == "wrong"
    assert secrets.check("service", SECRET) == "locked"


def test_the_file_holds_no_secret_and_is_the_owner_s_alone(tmp_path: Path) -> None:
    secrets_at(tmp_path).set("service", SECRET)
    path = tmp_path / "state" / "logins.json"
    assert SECRET not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "{", '{"service": 1}', '{"service": {"salt": "00"}}'])
def test_a_damaged_file_lets_nobody_in_and_says_what_to_do(tmp_path: Path, content: str) -> None:
    secrets = secrets_at(tmp_path)
    secrets.set("service", SECRET)
    (tmp_path / "state" / "logins.json").write_text(content)
    with pytest.raises(StorageError, match="login set"):
        secrets.check("service", SECRET)
    secrets.set("service", SECRET)
    assert secrets.check("service", SECRET) == "open"


def test_a_secret_that_works_once(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        door = LoginGuard(secrets_at(tmp_path), clock, InlineWorker())
        once = "a secret of that day"
        door.let_in_once("service", once)
        assert await door.standing("service") == "open"
        assert await door.knock("service", "wrong") == "wrong"
        assert await door.knock("service", once) == "open"
        assert await door.knock("service", once) == "unset"

    run_virtual(story)
