"""What a telephone hears is one stream without holes, however the frames come."""

import numpy as np

from host.local.exchange.mixer import PATIENCE, Mixer
from host.local.exchange.recording import HEARD, SAID, Recording
from host.local.sound import Samples

CHUNK = 800


def ones(count: int = CHUNK, value: int = 1) -> Samples:
    return np.full(count, value, np.int16)


def test_a_room_without_sound_is_silence_of_the_right_length() -> None:
    mixer = Mixer()
    assert mixer.settle(1000).tolist() == [0] * 1000
    assert mixer.settle(1000).size == 0


def test_a_track_begins_where_its_first_frame_began() -> None:
    mixer = Mixer()
    mixer.add("a", ones(), now=2000)
    assert np.flatnonzero(mixer.settle(2000)).tolist() == list(range(1200, 2000))


def test_frames_that_come_late_and_at_once_make_no_hole() -> None:
    mixer = Mixer()
    mixer.add("a", ones(), now=CHUNK)
    early = mixer.settle(3 * CHUNK)  # two frames are due, and late
    for _ in range(3):
        mixer.add("a", ones(), now=4 * CHUNK)
    late = mixer.settle(4 * CHUNK)
    assert np.concatenate([early, late]).tolist() == [1] * 4 * CHUNK


def test_tracks_are_added_and_do_not_wrap_around() -> None:
    mixer = Mixer()
    mixer.add("a", ones(value=20_000), now=CHUNK)
    mixer.add("b", ones(value=20_000), now=CHUNK)
    assert set(mixer.settle(CHUNK).tolist()) == {32767}


def test_a_long_stall_of_the_machine_makes_no_hole() -> None:
    mixer = Mixer()
    mixer.add("a", ones(), now=CHUNK)
    early = mixer.settle(40 * CHUNK)
    for _ in range(39):
        mixer.add("a", ones(), now=40 * CHUNK)
    assert np.concatenate([early, mixer.settle(40 * CHUNK)]).tolist() == [1] * 40 * CHUNK


def test_a_track_that_stops_is_waited_for_only_so_long() -> None:
    mixer = Mixer()
    mixer.add("a", ones(), now=CHUNK)
    sizes = [mixer.settle((2 + tick) * CHUNK).size for tick in range(PATIENCE + 1)]
    assert sizes == [CHUNK] + [0] * (PATIENCE - 1) + [(PATIENCE + 1) * CHUNK]
    mixer.add("a", ones(), now=30 * CHUNK)
    assert np.flatnonzero(mixer.settle(30 * CHUNK)).size == CHUNK


def test_a_track_that_is_gone_is_not_waited_for() -> None:
    mixer = Mixer()
    mixer.add("a", ones(), now=CHUNK)
    mixer.remove("a")
    assert mixer.settle(2 * CHUNK).size == 2 * CHUNK


def test_a_recording_has_both_sides_on_one_axis() -> None:
    recording = Recording()
    recording.write(SAID, -300, ones())
    recording.write(HEARD, 100, ones(200, 2))
    recording.write(HEARD, 200_000, ones(10, 3))
    stereo = recording.stereo()
    assert stereo.shape == (200_010, 2)
    assert np.flatnonzero(stereo[:, SAID]).tolist() == list(range(500))
    assert np.flatnonzero(stereo[:1000, HEARD]).tolist() == list(range(100, 300))
    assert recording.stereo(150).shape == (150, 2)
