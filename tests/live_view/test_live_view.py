from fragments import fragment
from lapel.live_view.live_view import LAST_SEGMENTS_S, LiveView
from lapel.live_view.viewers import GONE_AFTER_S, MOST_VIEWERS, Viewer
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from live_view.viewing import ADDRESS, view_of

ANN, BOB = Viewer("ann"), Viewer("bob", through="page")


def test_a_viewer_is_reported_once_and_when_no_look_came_for_a_while() -> None:
    async def program(clock: VirtualClock) -> None:
        view, looks = view_of(clock)
        for _ in range(10):
            assert view.look(ANN)
            await clock.sleep(GONE_AFTER_S / 2)
        view.look(BOB)
        assert view.is_watched
        await clock.sleep(GONE_AFTER_S + 2)
        assert looks.lines == ["ann", "bob page", f"ann gone after {4.5 * GONE_AFTER_S:g} s", "bob gone after 0 s"]
        assert not view.is_watched

    run_virtual(program)


def test_the_end_of_the_recording_ends_the_view_and_its_last_segments_stay_for_a_while() -> None:
    async def program(clock: VirtualClock) -> None:
        view, looks = view_of(clock)
        view.look(ANN)
        await clock.sleep(3)
        view.end()
        assert looks.lines == ["ann", "ann gone after 3 s"]
        assert view.look(ANN)  # fetches the rest, which is not reported again
        assert not view.is_watched
        await clock.sleep(LAST_SEGMENTS_S - 2)
        assert await view.is_ready()
        await clock.sleep(4)
        assert not await view.is_ready()

    run_virtual(program)


def test_there_is_room_for_so_many_viewers() -> None:
    async def program(clock: VirtualClock) -> None:
        view, looks = view_of(clock)
        for number in range(MOST_VIEWERS):
            assert view.look(Viewer(f"{number}"))
        assert not view.look(ANN)
        assert len(looks.lines) == MOST_VIEWERS
        await clock.sleep(GONE_AFTER_S + 2)
        assert view.look(ANN)
        view.close()

    run_virtual(program)


def test_the_first_segments_of_a_recording_are_waited_for() -> None:
    async def program(clock: VirtualClock) -> None:
        view, _ = view_of(clock, 1)
        began_s = clock.mono_s()
        assert not await view.is_ready()
        assert 5 < clock.mono_s() - began_s < 8
        view.add(fragment(2))
        view.add(fragment(3))
        assert await view.is_ready()
        assert not await LiveView(clock, ADDRESS).is_ready()
        assert clock.mono_s() - began_s < 8

    run_virtual(program)
