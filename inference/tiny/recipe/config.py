"""The sizes that can be trained. One value decides everything that depends on the machine."""

from collections.abc import Mapping
from dataclasses import dataclass

from inference.tiny.world.attributes import Cut
from inference.tiny.world.casting import Casting

SHARES: Mapping[str, float] = {
    "data": 0.05, "video_vae": 0.32, "audio_vae": 0.06, "vocoder": 0.05, "latents": 0.03, "words": 0.05,
    "diffusion": 0.36, "distil": 0.05, "evaluate": 0.03,
}  # fmt: skip
"""How a time budget is divided. Data, latents and evaluation take what they need; their share is only set aside."""


@dataclass(frozen=True)
class Config:
    """Sizes of the world, of the parts of the model, and of the batches."""

    name: str
    cut: Cut
    casting: Casting
    clips: int
    waves: int
    """How many clips keep their waveform, for the vocoder and for listening."""
    latent_channels: int
    encoder_widths: tuple[int, ...]
    decoder_widths: tuple[int, ...]
    vae_layers: int
    vae_frames: int
    vae_batch: int
    audio_widths: tuple[int, ...]
    audio_batch: int
    vocoder_width: int
    vocoder_batch: int
    heads: int
    head_width: int
    audio_heads: int
    audio_head_width: int
    layers: int
    text_width: int
    text_layers: int
    vocabulary: int
    batch: int
    teacher_clips: int
    evaluation_clips: int
    ema: float
    half: bool
    """Train the transformer in bfloat16: faster on an accelerator, not on a CPU."""
    vae_half: bool
    """Train the video VAE in bfloat16: 1.3 times as fast on a CPU that has the instructions for it."""
    seed: int = 0
    mel_bins: int = 32
    audio_latent_channels: int = 4
    prompt_tokens: int = 48

    @property
    def latent_frames(self) -> int:
        """Frames of video latents."""
        return (self.cut.frames - 1) // TIME_RATIO + 1

    @property
    def latent_size(self) -> tuple[int, int]:
        """Height and width of video latents."""
        return self.cut.height // SPACE_RATIO, self.cut.width // SPACE_RATIO

    @property
    def audio_latents(self) -> int:
        """Audio tokens of a clip, as the pipeline counts them."""
        return round(self.cut.duration_s * SAMPLE_RATE_HZ / HOP / AUDIO_RATIO)

    @property
    def mel_frames(self) -> int:
        """Mel frames that the audio VAE gives back."""
        return AUDIO_RATIO * self.audio_latents - (AUDIO_RATIO - 1)


SAMPLE_RATE_HZ = 16_000
HOP = 256
WINDOW = 512
"""32 ms. A window of 64 ms smears an attack over half a frame."""
SPACE_RATIO = 16
TIME_RATIO = 4
"""8 stalled: motion inside a latent frame was averaged away."""
AUDIO_RATIO = 4
SMALL_CAST = Casting(
    subjects=("ball", "car", "boat", "bird", "person", "house", "tree", "bell", "hammer", "sun"),
    styles=("day", "night", "sunset", "neon", "snow", "pencil", "paper"),
    weathers=("clear", "rain", "snowfall"),
    music=(),
    plain_weather_share=0.7,
    plain_light_share=0.82,
    plain_camera_share=0.55,
    second_share=0.2,
    impact_share=0.55,
)
"""What an hour of one core can learn: fewer things, each seen more often. Pixel art's edges do not survive 96x64."""

CPU = Config(
    name="cpu", cut=Cut(96, 64, 25, 8), casting=SMALL_CAST, clips=6000, waves=700,
    latent_channels=48, encoder_widths=(128, 128), decoder_widths=(64, 128), vae_layers=1, vae_frames=9, vae_batch=8,
    audio_widths=(1, 2, 3), audio_batch=8, vocoder_width=128, vocoder_batch=6,
    heads=4, head_width=32, audio_heads=4, audio_head_width=24, layers=5,
    text_width=96, text_layers=2, vocabulary=900, batch=24, teacher_clips=240,
    evaluation_clips=60, ema=0.995, half=False, vae_half=True,
)  # fmt: skip
GPU = Config(
    name="gpu", cut=Cut(192, 128, 49, 16), casting=Casting(),
    clips=24_000, waves=4000,
    latent_channels=64, encoder_widths=(128, 128), decoder_widths=(96, 192), vae_layers=1, vae_frames=9, vae_batch=48,
    audio_widths=(1, 2, 3), audio_batch=64, vocoder_width=128, vocoder_batch=32,
    heads=8, head_width=32, audio_heads=4, audio_head_width=24, layers=5,
    text_width=128, text_layers=2, vocabulary=1400, batch=256, teacher_clips=4096,
    evaluation_clips=256, ema=0.999, half=True, vae_half=True,
)  # fmt: skip
SMOKE = Config(
    name="smoke", cut=Cut(64, 64, 9, 8), casting=Casting(subjects=("ball", "bell"), styles=("day", "night")),
    clips=48, waves=16,
    latent_channels=16, encoder_widths=(32, 32), decoder_widths=(32, 64), vae_layers=1, vae_frames=9, vae_batch=4,
    audio_widths=(1, 2, 3), audio_batch=4, vocoder_width=32, vocoder_batch=2,
    heads=2, head_width=24, audio_heads=2, audio_head_width=24, layers=1,
    text_width=48, text_layers=1, vocabulary=500, batch=4, teacher_clips=8, evaluation_clips=8,
    ema=0.9, half=False, vae_half=False,
)  # fmt: skip
CONFIGS: Mapping[str, Config] = {config.name: config for config in (CPU, GPU, SMOKE)}
