"""Login secrets: rising delay, and a lock-out that survives power loss."""

from pathlib import Path

import pytest

from lapel.console.login import LOCKED_AFTER, LoginGuard, Secrets
from lapel.own_files import DamageReports
from lapel.worker import InlineWorker
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual

SECRET = "correct horse battery"


def secrets_at(path: Path) -> Secrets:
    return Secrets(path / "state" / "logins.json", cost=2)


def test_each_wrong_secret_doubles_the_delay_up_to_a_minute(tmp_path: Path) -> None:
    async def steps(clock: VirtualClock) -> list[float]:
        guard = LoginGuard(secrets_at(tmp_path), clock, InlineWorker())
        await guard.set("service", SECRET)
        waits = []
        for _ in range(LOCKED_AFTER):
            begin_s = clock.mono_s()
            assert await guard.check("service", "wrong") == "wrong"
            waits.append(clock.mono_s() - begin_s)
        return waits

    assert run_virtual(steps) == [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_the_right_secret_resets_delay_and_count(tmp_path: Path) -> None:
    async def steps(clock: VirtualClock) -> None:
        guard = LoginGuard(secrets_at(tmp_path), clock, InlineWorker())
        await guard.set("service", SECRET)
        for _ in range(LOCKED_AFTER - 1):
            await guard.check("service", "wrong")
        assert await guard.check("service", SECRET) == "open"
        begin_s = clock.mono_s()
        assert await guard.check("service", "wrong") == "wrong"
        assert clock.mono_s() == begin_s
        assert secrets_at(tmp_path).failures("service") == 1

    run_virtual(steps)


def test_a_lock_out_survives_power_loss_and_ends_with_a_new_secret(tmp_path: Path) -> None:
    secrets = secrets_at(tmp_path)
    secrets.set("service", SECRET)
    for number in range(LOCKED_AFTER):
        assert secrets_at(tmp_path).check("service", f"wrong {number}") == "wrong"  # a power loss after each
    assert secrets_at(tmp_path).check("service", SECRET) == "locked"
    secrets_at(tmp_path).set("service", "another good one")
    assert secrets_at(tmp_path).check("service", "another good one") == "open"


def test_a_lock_out_of_one_role_does_not_lock_the_other(tmp_path: Path) -> None:
    secrets = secrets_at(tmp_path)
    secrets.set("service", SECRET)
    secrets.set("viewer", SECRET + "2")
    for _ in range(LOCKED_AFTER):
        secrets.check("viewer", "wrong")
    assert secrets.check("service", SECRET) == "open"
    secrets.unlock("viewer")
    assert secrets.check("viewer", SECRET + "2") == "open"


def test_a_full_disk_gives_no_free_guesses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = secrets_at(tmp_path)
    secrets.set("service", SECRET)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lapel.console.login.write", full)
    for _ in range(LOCKED_AFTER):
        assert secrets.check("service", "wrong") == "wrong"
    assert secrets.check("service", SECRET) == "locked"


def test_the_file_holds_no_secret_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    secrets_at(tmp_path).set("service", SECRET)
    path = tmp_path / "state" / "logins.json"
    assert SECRET not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


COSTLY = '{"service": {"salt": "00", "hash": "00", "cost": 1099511627776}}'


@pytest.mark.parametrize("content", ["", "{", '{"service": 1}', '{"service": {"salt": "00"}}', COSTLY])
def test_a_damaged_file_is_set_aside_and_no_secret_opens_the_console(tmp_path: Path, content: str) -> None:
    damage = DamageReports()
    secrets = Secrets(tmp_path / "state" / "logins.json", cost=2, damage=damage)
    secrets.set("service", SECRET)
    (tmp_path / "state" / "logins.json").write_text(content)
    assert secrets.check("service", SECRET) == "unset"
    assert [found.kept_as for found in damage.take()] == ["logins.json.damaged-1"]
    secrets.set("service", SECRET)
    assert secrets.check("service", SECRET) == "open"


def test_a_single_use_secret_works_once(tmp_path: Path) -> None:
    async def steps(clock: VirtualClock) -> None:
        guard = LoginGuard(secrets_at(tmp_path), clock, InlineWorker())
        single_use = "a secret of that day"
        guard.allow_once("service", single_use)
        assert await guard.status("service") == "open"
        assert await guard.check("service", "wrong") == "wrong"
        assert await guard.check("service", single_use) == "open"
        assert await guard.check("service", single_use) == "unset"

    run_virtual(steps)
