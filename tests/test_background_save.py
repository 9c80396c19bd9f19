import asyncio

from lapel.background_save import BackgroundSave


async def test_changes_during_a_save_are_saved_once_more_and_never_side_by_side() -> None:
    content, saved, may_end = [1], list[int](), asyncio.Event()

    async def save() -> None:
        saved.append(content[-1])
        await may_end.wait()

    saving = BackgroundSave(save, "save")
    saving.request()
    await asyncio.sleep(0)
    for change in (2, 3):
        content.append(change)
        saving.request()
    await asyncio.sleep(0)
    assert saved == [1]
    may_end.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert saved == [1, 3]


async def test_close_cancels_a_save_that_has_not_ended() -> None:
    cancelled = asyncio.Event()

    async def save() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    saving = BackgroundSave(save, "save")
    saving.close()  # harmless: nothing was requested
    saving.request()
    await asyncio.sleep(0)
    saving.close()
    async with asyncio.timeout(5):
        await cancelled.wait()
