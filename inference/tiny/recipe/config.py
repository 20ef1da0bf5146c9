"""The sizes that can be trained. One value decides everything that depends on the machine."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from inference.tiny.world.attributes import Cut
from inference.tiny.world.casting import Casting

SHARES: Mapping[str, float] = {
    "data": 0.1, "video_vae": 0.2, "audio_vae": 0.06, "vocoder": 0.03, "latents": 0.03, "decoder": 0.12, "words": 0.03,
    "diffusion": 0.4, "distil": 0.05, "evaluate": 0.03,
}  # fmt: skip
"""How a time budget is divided. Latents and evaluation take what they need; their share is only set aside."""


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
    encoder_widths: tuple[int, int]
    decoder_width: int
    """Half of it is left at the end, and that half has to carry 8x8 pixels: narrower than 128, it blurs."""
    vae_frames: int
    vae_batch: int
    decoder_batch: int
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
    """Train the video VAE and the transformer in bfloat16. On a CPU that has the instructions for it, it pays too: 1.6
    times as fast, with plain attention (see ``Parts.velocity``)."""
    compiled: bool
    """Train the transformer with compiled blocks (see ``recipe.compiled``)."""
    more_sizes: tuple[tuple[int, int], ...] = ()
    """Width and height of what is offered beside the trained size: looked at, not measured."""
    more_lengths: tuple[int, ...] = ()
    """The same for the length in frames."""
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
CALM_CAST = Casting(
    plain_weather_share=0.7,
    plain_light_share=0.8,
    plain_camera_share=0.6,
    second_share=0.3,
    impact_share=0.6,
    tickets=(("ball", 3), ("bell", 2), ("hammer", 2)),
)
"""The whole world, but more often plain: what an hour of one core can learn of weather, light and cameras is little.
What bounces and swings is the hardest to draw; without tickets, one clip in forty was a ball that bounces in its place.
"""

CPU = Config(
    name="cpu", cut=Cut(96, 64, 25, 8), casting=CALM_CAST, clips=12_000, waves=1500,
    latent_channels=96, encoder_widths=(256, 256), decoder_width=160, vae_frames=25, vae_batch=4, decoder_batch=8,
    audio_widths=(1, 2, 3), audio_batch=8, vocoder_width=128, vocoder_batch=6,
    heads=3, head_width=64, audio_heads=2, audio_head_width=48, layers=6,
    text_width=96, text_layers=2, vocabulary=1200, batch=32, teacher_clips=384,
    evaluation_clips=60, ema=0.997, half=True, compiled=True,
    more_sizes=((64, 64), (128, 64)), more_lengths=(33,),
)  # fmt: skip
GPU = Config(
    name="gpu", cut=Cut(160, 96, 37, 12), casting=Casting(tickets=CALM_CAST.tickets), clips=20_000, waves=4000,
    latent_channels=96, encoder_widths=(256, 256), decoder_width=144, vae_frames=17, vae_batch=32, decoder_batch=16,
    audio_widths=(1, 2, 3), audio_batch=64, vocoder_width=128, vocoder_batch=32,
    heads=3, head_width=64, audio_heads=2, audio_head_width=48, layers=7,
    text_width=128, text_layers=2, vocabulary=1400, batch=256, teacher_clips=4096,
    evaluation_clips=256, ema=0.999, half=True, compiled=True,
)  # fmt: skip
"""For a quarter of an hour of one accelerator, or more: the smallest clip that is asked for, 34 GB of them at most."""
GPU_LARGE = replace(GPU, name="gpu-large", cut=Cut(192, 128, 49, 16))
"""For hours: twice the tokens. On two cores its drafts are not live."""
SMOKE = Config(
    name="smoke", cut=Cut(64, 64, 9, 8), casting=Casting(subjects=("ball", "bell"), styles=("day", "night")),
    clips=48, waves=16,
    latent_channels=16, encoder_widths=(64, 32), decoder_width=64, vae_frames=9, vae_batch=4, decoder_batch=4,
    audio_widths=(1, 2, 3), audio_batch=4, vocoder_width=32, vocoder_batch=2,
    heads=2, head_width=24, audio_heads=2, audio_head_width=24, layers=1,
    text_width=48, text_layers=1, vocabulary=500, batch=4, teacher_clips=8, evaluation_clips=8,
    ema=0.9, half=False, compiled=False,
)  # fmt: skip
CONFIGS: Mapping[str, Config] = {config.name: config for config in (CPU, GPU, GPU_LARGE, SMOKE)}
