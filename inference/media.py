"""The finished clip as files: MP4 (H.264 and AAC), a poster and the outline of the sound."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from inference.pipelines.base import Clip, Frames, Sound
from inference.previews import jpeg

WAVEFORM_SLICES = 240
# AAC has these rates only (ISO/IEC 14496-3, table 1.18).
AAC_RATES_HZ = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_FALLBACK_RATE_HZ = 48000
_BT709 = 1  # as primaries, transfer and matrix alike (ITU-T H.273)
_POSTER_QUALITY = 90
_CRF = "17"  # visually without loss; clips are small, and they are edited further


@dataclass(frozen=True)
class Media:
    """What is kept of a clip."""

    clip: bytes
    poster: bytes
    waveform: tuple[int, ...]
    sample_rate_hz: int


def encode(clip: Clip, rate_hz: int, sample_rate_hz: int) -> Media:
    """Encode a clip; its sound is cut or filled with silence to the length of its pictures.

    Raises:
        ValueError: the sound is not of finite numbers.
    """
    if not np.isfinite(clip.sound).all():
        raise ValueError("expected samples from -1 to 1, got NaN or infinity")
    sound = _fit(clip.sound, round(len(clip.frames) / rate_hz * sample_rate_hz))
    out_rate_hz = sample_rate_hz if sample_rate_hz in AAC_RATES_HZ else _FALLBACK_RATE_HZ
    return Media(
        clip=_mp4(clip.frames, sound, rate_hz, sample_rate_hz, out_rate_hz),
        poster=jpeg(clip.frames[len(clip.frames) // 2], _POSTER_QUALITY),
        waveform=waveform(sound),
        sample_rate_hz=out_rate_hz,
    )


def waveform(sound: Sound) -> tuple[int, ...]:
    """Peak level of each of up to 240 equal slices, 0 to 255."""
    levels = np.abs(sound).max(axis=1)  # (samples,)
    slices = np.array_split(levels, min(WAVEFORM_SLICES, len(levels)))
    return tuple(min(255, round(float(part.max()) * 255)) for part in slices)


def _fit(sound: Sound, samples: int) -> Sound:
    missing = max(0, samples - len(sound))
    fitted: Sound = np.pad(sound[:samples], ((0, missing), (0, 0)))
    return fitted


def _mp4(frames: Frames, sound: Sound, rate_hz: int, sample_rate_hz: int, out_rate_hz: int) -> bytes:
    # A real file: ffmpeg reads its own output again to put the index first.
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        path = Path(folder) / "clip.mp4"
        with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            video = _video_stream(container, frames, rate_hz)
            audio = container.add_stream("aac", rate=out_rate_hz, layout=_layout(sound))
            audio.bit_rate = 64_000 * sound.shape[1]
            # Each stream has an encoder of its own, which leaves Python alone while it works: both at once.
            with ThreadPoolExecutor(1, thread_name_prefix="rushes-sound") as beside:
                heard = beside.submit(_sound_packets, audio, sound, sample_rate_hz)
                seen = _picture_packets(video, frames)
            for packet in (*seen, *heard.result()):
                container.mux(packet)
        return path.read_bytes()


def _video_stream(container: Any, frames: Frames, rate_hz: int) -> Any:
    stream = container.add_stream("libx264", rate=rate_hz, options={"crf": _CRF, "preset": "medium"})
    stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
    context = stream.codec_context
    context.time_base = Fraction(1, rate_hz)
    context.gop_size = rate_hz  # a seek never decodes more than a second
    context.color_primaries = context.color_trc = context.colorspace = _BT709
    context.color_range = int(ColorRange.MPEG)
    return stream


def _picture_packets(stream: Any, frames: Frames) -> list[Any]:
    # One for all pictures: it is set up at the first, which takes longer than a small picture does.
    reformatter = VideoReformatter()
    pictures = [stream.encode(_picture(reformatter, frame)) for frame in frames]
    return [packet for packets in (*pictures, stream.encode(None)) for packet in packets]


def _picture(reformatter: Any, frame: Frames) -> Any:
    """A picture in BT.709, as the stream's tags say (by default the conversion is BT.601)."""
    rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
    return reformatter.reformat(
        rgb,
        format="yuv420p",
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
        dst_colorspace=Colorspace.ITU709,
    )


def _layout(sound: Sound) -> str:
    return "mono" if sound.shape[1] == 1 else "stereo"


def _sound_packets(stream: Any, sound: Sound, sample_rate_hz: int) -> list[Any]:
    planes = np.ascontiguousarray(sound.T, dtype=np.float32)  # (channels, samples)
    whole = av.AudioFrame.from_ndarray(planes, format="fltp", layout=_layout(sound))
    whole.sample_rate, whole.pts, whole.time_base = sample_rate_hz, 0, Fraction(1, sample_rate_hz)
    resampler = av.AudioResampler(format="fltp", layout=_layout(sound), rate=stream.rate, frame_size=1024)
    parts = (*resampler.resample(whole), *resampler.resample(None), None)
    return [packet for part in parts for packet in stream.encode(part)]
