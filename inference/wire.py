"""What crosses between the studio and the inference service. Standard library only.

A ``Job`` goes in; ``Report`` values come out, in this order: ``Started``, then for each denoise step a
``Stepped`` (and now and then a ``Checkpointed``), then exactly one of ``Finished``, ``Failed`` or
``Cancelled``. A ``PreviewPacket`` is the one thing that travels on to browsers as bytes; its layout is held
equal in Python and TypeScript by the samples in ``tests/fixtures/wire``.
"""

import struct
from dataclasses import dataclass
from uuid import UUID

PROMPT_LIMIT = 4000
SEED_LIMIT = 2**31 - 1


@dataclass(frozen=True)
class Job:
    """One take to render. Sizes in pixels; ``frames`` counts pictures at the model's own rate."""

    take_id: UUID
    attempt: int
    prompt: str
    quality: str
    width: int
    height: int
    frames: int
    seed: int
    style: str = ""
    light: str = ""
    pace: str = ""
    deadline_s: float = 1800.0


@dataclass(frozen=True)
class Started:
    """The job joined the running batch. ``model_prompt`` is what the text encoder reads."""

    model_prompt: str
    step: int
    steps: int


@dataclass(frozen=True)
class Stepped:
    """One denoise step is done; ``packet`` is an encoded PreviewPacket, empty when none was made."""

    step: int
    steps: int
    left_ms: int
    packet: bytes = b""


@dataclass(frozen=True)
class Checkpointed:
    """State from which the job resumes exactly (safetensors bytes)."""

    step: int
    state: bytes


@dataclass(frozen=True)
class Finished:
    """The finished clip: an MP4 (H.264 and AAC, index first) and a JPEG poster."""

    clip: bytes
    poster: bytes
    width: int
    height: int
    frames: int
    rate_hz: int
    sample_rate_hz: int
    model: str
    model_prompt: str
    render_ms: int
    waveform: tuple[int, ...] = ()
    """Peak level of each of up to 240 equal slices of the sound, 0 to 255."""


@dataclass(frozen=True)
class Failed:
    """The job ended without a clip. ``retryable`` says whether another attempt can help."""

    code: str
    message: str
    retryable: bool = False


@dataclass(frozen=True)
class Cancelled:
    """The job was cancelled at a step boundary."""


Report = Started | Stepped | Checkpointed | Finished | Failed | Cancelled

MAGIC = b"RP"
VERSION = 1
MAX_PREVIEW_FRAMES = 64
_HEADER = struct.Struct("!2sBB16sHHHHHHI")
_FRAME = struct.Struct("!HI")


class PacketError(ValueError):
    """Bytes that are not a preview packet of this version."""


@dataclass(frozen=True)
class PreviewPacket:
    """Predicted frames of a running take, spread over the whole clip.

    Layout, big endian: ``"RP"``, version u8, attempt u8, take id 16 bytes, step u16, steps u16, clip frames
    u16, rate_hz u16, width u16, height u16, left_ms u32; then for each frame: its index in the clip u16,
    size_bytes u32, and that many bytes of JPEG, to the end of the packet. Indices rise.
    """

    take_id: UUID
    attempt: int
    step: int
    steps: int
    clip_frames: int
    rate_hz: int
    width: int
    height: int
    left_ms: int
    frames: tuple[tuple[int, bytes], ...]

    def encode(self) -> bytes:
        """The packet as bytes."""
        head = _HEADER.pack(
            MAGIC, VERSION, self.attempt, self.take_id.bytes, self.step, self.steps,
            self.clip_frames, self.rate_hz, self.width, self.height, self.left_ms,
        )  # fmt: skip
        return head + b"".join(_FRAME.pack(index, len(jpeg)) + jpeg for index, jpeg in self.frames)

    @classmethod
    def decode(cls, data: bytes) -> "PreviewPacket":
        """Read a packet.

        Raises:
            PacketError: wrong magic or version, cut short, or frames out of order.
        """
        if len(data) < _HEADER.size:
            raise PacketError(f"expected at least {_HEADER.size} bytes, got {len(data)}")
        magic, version, attempt, take_id, *numbers = _HEADER.unpack_from(data)
        if magic != MAGIC or version != VERSION:
            raise PacketError(f"expected {MAGIC!r} version {VERSION}, got {magic!r} version {version}")
        step, steps, clip_frames, rate_hz, width, height, left_ms = numbers
        frames = tuple(_frames(data, clip_frames))
        return cls(UUID(bytes=take_id), attempt, step, steps, clip_frames, rate_hz, width, height, left_ms, frames)


def _frames(data: bytes, clip_frames: int) -> list[tuple[int, bytes]]:
    frames: list[tuple[int, bytes]] = []
    at, last = _HEADER.size, -1
    while at < len(data):
        if at + _FRAME.size > len(data):
            raise PacketError("cut short inside a frame's header")
        index, size_bytes = _FRAME.unpack_from(data, at)
        at += _FRAME.size
        if at + size_bytes > len(data):
            raise PacketError(f"frame {index}: expected {size_bytes} bytes, got {len(data) - at}")
        if not last < index < clip_frames:
            raise PacketError(f"frame {index}: expected an index from {last + 1} to {clip_frames - 1}")
        if len(frames) == MAX_PREVIEW_FRAMES:
            raise PacketError(f"more than {MAX_PREVIEW_FRAMES} frames")
        frames.append((index, data[at : at + size_bytes]))
        at, last = at + size_bytes, index
    return frames
