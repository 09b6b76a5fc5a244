"""Deaf: its noise cancellation takes everything for noise."""

from livekit import rtc

from host import hookimpl


class Hush(rtc.FrameProcessor[rtc.AudioFrame]):
    """Lets no sound through."""

    @property
    def enabled(self):
        return True

    @enabled.setter
    def enabled(self, value):
        pass

    def _process(self, frame):
        return rtc.AudioFrame.create(frame.sample_rate, 1, frame.samples_per_channel)

    def _close(self):
        pass


@hookimpl
def room_options(call):
    return {"audio_input": {"noise_cancellation": Hush()}}


@hookimpl
def instructions(call):
    return "You are the deaf one of the tests."


@hookimpl
def greeting(call):
    return "Here is the deaf one."
