from fragments import fragment, instant
from lapel.fragment import Gap
from lapel.live_view.playlist import playlist
from lapel.live_view.window import FragmentWindow


def test_a_playlist_says_where_the_header_is_and_where_the_video_does_not_continue() -> None:
    window = FragmentWindow()
    window.begin(instant(0.0), [])
    for number in range(1, 6):
        window.add(fragment(number, gap_before=Gap(1.0, "source lost") if number == 2 else None))
    for number in (6, 7, 8):
        window.add(fragment(number, header=b"another header"))
    window.end()
    assert playlist(window).splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-TARGETDURATION:1",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        "#EXT-X-MEDIA-SEQUENCE:3",
        "#EXT-X-DISCONTINUITY-SEQUENCE:1",
        '#EXT-X-MAP:URI="header-1.mp4"',
        *_segment(3),
        *_segment(4),
        *_segment(5),
        "#EXT-X-DISCONTINUITY",
        '#EXT-X-MAP:URI="header-2.mp4"',
        *_segment(6),
        *_segment(7),
        *_segment(8),
        "#EXT-X-ENDLIST",
    ]


def test_no_segment_is_longer_than_the_target_duration() -> None:
    window = FragmentWindow()
    window.begin(instant(0.0), [])
    window.add(fragment(1, duration_s=2.5))
    assert "#EXT-X-TARGETDURATION:3" in playlist(window)


def _segment(number: int) -> list[str]:
    return [f"#EXT-X-PROGRAM-DATE-TIME:2026-11-24T07:00:0{number - 1}.000Z", "#EXTINF:1.00000,", f"{number}.m4s"]
