"""Runs the self-test of every part that a recording needs."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Text


async def _run(call: Invocation) -> Answer:
    checks = list(await call.camera.self_test())
    passed = all(check.ok for check in checks)
    await call.console_log.append(
        "self-test", passed=passed, failed=", ".join(one.name for one in checks if not one.ok)
    )
    lines = [
        Text(f"{one.name:<9}{'ok' if one.ok else 'FAILED'}: {one.finding}", "good" if one.ok else "bad")
        for one in checks
    ]
    return Answer({"passed": passed, "checks": checks}, (Text("PASSED" if passed else "FAILED"), *lines))


NOUN = Noun("selftest", "run the self-test", (Verb("", _run, "test every part", "service", not_while_recording=True),))
