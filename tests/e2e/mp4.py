"""What is inside a downloaded MP4."""

import struct
from dataclasses import dataclass
from pathlib import Path

import av


@dataclass(frozen=True)
class Film:
    """The boxes of the file in order, the codecs in it, and how much of each really decodes."""

    boxes: list[str]
    video_codec: str
    audio_codec: str
    frames: int
    loudest: float


def read_film(path: Path) -> Film:
    """Decode a file from its first to its last frame."""
    with av.open(str(path), format="mp4") as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        codecs = video.codec_context.name, audio.codec_context.name
        frames = sum(1 for _ in container.decode(video))
        container.seek(0)
        loudest = max(float(abs(frame.to_ndarray()).max()) for frame in container.decode(audio))
    return Film(_boxes(path.read_bytes()), *codecs, frames, loudest)


def _boxes(data: bytes) -> list[str]:
    names, at = [], 0
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        names.append(name.decode("latin-1"))
        at += size
    return names
