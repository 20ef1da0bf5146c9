"""The clip as a file: what a browser needs of it, and that colours and sound survive."""

import io
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from inference.media import Media, encode, waveform
from inference.pipelines.base import Clip, Sound

RATE_HZ, SAMPLE_RATE_HZ = 8, 16000
COLOURS = ((200, 40, 40), (40, 180, 60), (50, 60, 210), (235, 235, 235), (16, 16, 16))


def tone(seconds: float, rate_hz: int = SAMPLE_RATE_HZ, channels: int = 2) -> Sound:
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.repeat(np.sin(2 * np.pi * 440 * time_s)[:, None] * 0.5, channels, axis=1).astype(np.float32)


def clip(sound: Sound) -> Clip:
    """25 frames, 96x64, each of one colour."""
    frames = np.zeros((25, 64, 96, 3), np.uint8)
    for number in range(25):
        frames[number] = COLOURS[number // 5]
    return Clip(frames, sound)


@pytest.fixture(scope="module")
def made() -> Media:
    return encode(clip(tone(3.05)), RATE_HZ, SAMPLE_RATE_HZ)


def opened(made: Media) -> Any:
    return av.open(io.BytesIO(made.clip), format="mp4")


def atoms(data: bytes) -> list[str]:
    """Names of an MP4's outer boxes."""
    names, at = [], 0
    while at < len(data):
        names.append(data[at + 4 : at + 8].decode())
        at += int.from_bytes(data[at : at + 4], "big")
    return names


def test_r12_the_index_comes_before_the_media(made: Media) -> None:
    names = atoms(made.clip)
    assert names.index("moov") < names.index("mdat")


def test_r12_the_picture_is_h264_in_tagged_bt709(made: Media) -> None:
    with opened(made) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt, context.width, context.height) == ("h264", "yuv420p", 96, 64)
        assert (stream.frames, stream.average_rate) == (25, 8)
        tags = (context.color_primaries, context.color_trc, context.colorspace, context.color_range)
        assert tags == (1, 1, 1, 1)


def test_r12_colours_survive(made: Media) -> None:
    with opened(made) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 25
    for number, colour in enumerate(COLOURS):
        assert np.abs(frames[number * 5 + 2].mean(axis=(0, 1)) - colour).max() < 6


def test_r12_the_sound_is_aac_as_long_as_the_picture(made: Media) -> None:
    with opened(made) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.rate, stream.channels) == ("aac", SAMPLE_RATE_HZ, 2)
        samples = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert samples.shape[1] / SAMPLE_RATE_HZ == pytest.approx(25 / RATE_HZ, abs=2 * 1024 / SAMPLE_RATE_HZ)
    assert 0.3 < float(np.sqrt((samples[:, 4096:40000] ** 2).mean())) < 0.4


@pytest.mark.parametrize("seconds", [1.0, 5.0])
def test_r12_sound_of_another_length_is_filled_or_cut(seconds: float) -> None:
    made = encode(clip(tone(seconds)), RATE_HZ, SAMPLE_RATE_HZ)
    with opened(made) as container:
        duration_s = float(container.streams.audio[0].duration * container.streams.audio[0].time_base)
    assert duration_s == pytest.approx(25 / RATE_HZ, abs=2 * 1024 / SAMPLE_RATE_HZ)


def test_r12_a_rate_that_aac_has_not_is_resampled() -> None:
    made = encode(clip(tone(3.125, 20000)), RATE_HZ, 20000)
    assert made.sample_rate_hz == 48000
    with opened(made) as container:
        assert container.streams.audio[0].rate == 48000
        samples = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    spectrum = np.abs(np.fft.rfft(samples[0, 8192 : 8192 + 48000]))
    assert abs(int(spectrum.argmax()) - 440) <= 2


def test_mono_stays_mono() -> None:
    made = encode(clip(tone(3.125, channels=1)), RATE_HZ, SAMPLE_RATE_HZ)
    with opened(made) as container:
        assert container.streams.audio[0].channels == 1


def test_r10_nan_in_the_sound_is_refused() -> None:
    sound = tone(3.0)
    sound[5] = np.nan
    with pytest.raises(ValueError, match="got NaN"):
        encode(clip(sound), RATE_HZ, SAMPLE_RATE_HZ)


def test_the_poster_is_the_frame_in_the_middle(made: Media) -> None:
    picture = Image.open(io.BytesIO(made.poster))
    assert (picture.format, picture.size) == ("JPEG", (96, 64))
    assert np.abs(np.asarray(picture).mean(axis=(0, 1)) - COLOURS[2]).max() < 6


def test_the_waveform_follows_the_level() -> None:
    sound = np.concatenate([np.zeros((2400, 2)), np.full((2400, 2), 0.5), np.full((2400, 2), -1.2)])
    levels = waveform(sound.astype(np.float32))
    assert len(levels) == 240
    assert (set(levels[:80]), set(levels[80:160]), set(levels[160:])) == ({0}, {128}, {255})


def test_the_waveform_of_few_samples_is_short() -> None:
    assert waveform(np.full((3, 1), 0.2, np.float32)) == (51, 51, 51)
