"""The parts of the model, in the classes and the folder format of ``diffusers.LTX2Pipeline``."""

from typing import Any

from diffusers import (
    AutoencoderKLLTX2Audio,
    AutoencoderKLLTX2Video,
    FlowMatchEulerDiscreteScheduler,
    LTX2VideoTransformer3DModel,
)  # fmt: skip
from diffusers.pipelines.ltx2 import LTX2TextConnectors, LTX2Vocoder
from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3TextConfig, SiglipVisionConfig

from inference.tiny.recipe.config import HOP, SAMPLE_RATE_HZ, SPACE_RATIO, TIME_RATIO, Config

SHIFT = 0.95
"""exp(0.95) is the shift of the noise schedule, about 2.5: more steps where the layout is decided."""


def video_vae(config: Config) -> Any:
    """8x8 patches, then 2x in space and 2x in time, then 2x in time: 16x16x4 pixels to one latent.

    Both ratios are given, for the class guesses them wrongly from its blocks; ``upsample_type`` is in the order of
    the decoder, ``upsample_factor`` in the reverse of it. Nothing on the way is narrower than the latents allow: with
    32 channels before the last layer, no training came above a linear code.
    """
    return AutoencoderKLLTX2Video(
        latent_channels=config.latent_channels,
        block_out_channels=config.encoder_widths,
        decoder_block_out_channels=(config.decoder_width,) * 2,
        down_block_types=("LTX2VideoDownBlock3D",) * 2,
        layers_per_block=(1, 0, 0),
        decoder_layers_per_block=(1, 1, 1),
        spatio_temporal_scaling=(True, True),
        decoder_spatio_temporal_scaling=(True, True),
        decoder_inject_noise=(False, False, False),
        downsample_type=("spatiotemporal", "temporal"),
        upsample_type=("temporal", "spatiotemporal"),
        upsample_residual=(True, True),
        upsample_factor=(2, 1),
        patch_size=8,
        spatial_compression_ratio=SPACE_RATIO,
        temporal_compression_ratio=TIME_RATIO,
        encoder_spatial_padding_mode="zeros",
        decoder_spatial_padding_mode="zeros",
        decoder_causal=True,
    )


def audio_vae(config: Config) -> Any:
    """Stereo log-mels to ``audio_latent_channels`` x ``mel_bins / 4`` for every fourth frame."""
    return AutoencoderKLLTX2Audio(
        base_channels=config.audio_latent_channels * config.mel_bins // 4,
        output_channels=2,
        ch_mult=config.audio_widths,
        num_res_blocks=1,
        in_channels=2,
        resolution=config.mel_bins,
        latent_channels=config.audio_latent_channels,
        norm_type="pixel",
        causality_axis="height",
        sample_rate=SAMPLE_RATE_HZ,
        mel_hop_length=HOP,
        is_causal=True,
        mel_bins=config.mel_bins,
    )


def vocoder(config: Config) -> Any:
    """Mels to sound: 8 x 8 x 4 = 256 samples a frame."""
    return LTX2Vocoder(
        in_channels=2 * config.mel_bins,
        hidden_channels=config.vocoder_width,
        out_channels=2,
        upsample_kernel_sizes=[16, 16, 8],
        upsample_factors=[8, 8, 4],
        resnet_kernel_sizes=[3, 7],
        resnet_dilations=[[1, 3], [1, 3]],
        act_fn="leaky_relu",
        output_sampling_rate=SAMPLE_RATE_HZ,
    )


def text_encoder(config: Config, vocabulary: int) -> Any:
    """A Gemma 3 of two layers; its vision tower, which the class demands, is as small as it can be."""
    width = config.text_width
    text = Gemma3TextConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=config.text_layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=width // 4,
        max_position_embeddings=256,
        sliding_window=64,
        layer_types=["full_attention"] * config.text_layers,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=2,
        query_pre_attn_scalar=width // 4,
    )
    vision = SiglipVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14
    )
    return Gemma3ForConditionalGeneration(
        Gemma3Config(
            text_config=text,
            vision_config=vision,
            mm_tokens_per_image=1,
            boi_token_index=3,
            eoi_token_index=3,
            image_token_index=vocabulary - 1,
        )
    )


def connectors(config: Config) -> Any:
    """From the text encoder's layers to what each modality attends to."""
    head = config.text_width // 4
    return LTX2TextConnectors(
        caption_channels=config.text_width,
        text_proj_in_factor=config.text_layers + 1,
        video_connector_num_attention_heads=4,
        video_connector_attention_head_dim=head,
        video_connector_num_layers=1,
        video_connector_num_learnable_registers=config.prompt_tokens,
        audio_connector_num_attention_heads=4,
        audio_connector_attention_head_dim=head,
        audio_connector_num_layers=1,
        audio_connector_num_learnable_registers=config.prompt_tokens,
        connector_rope_base_seq_len=config.prompt_tokens,
        rope_theta=100.0,
        rope_double_precision=False,
    )


def transformer(config: Config) -> Any:
    """The joint transformer. Positions in time are seconds for both modalities."""
    audio_channels = config.audio_latent_channels * config.mel_bins // 4
    seconds = int(config.cut.duration_s) + 1
    return LTX2VideoTransformer3DModel(
        in_channels=config.latent_channels,
        out_channels=config.latent_channels,
        num_attention_heads=config.heads,
        attention_head_dim=config.head_width,
        cross_attention_dim=config.heads * config.head_width,
        vae_scale_factors=(TIME_RATIO, SPACE_RATIO, SPACE_RATIO),
        pos_embed_max_pos=seconds,
        base_height=config.cut.width,
        base_width=config.cut.width,
        audio_in_channels=audio_channels,
        audio_out_channels=audio_channels,
        audio_num_attention_heads=config.audio_heads,
        audio_attention_head_dim=config.audio_head_width,
        audio_cross_attention_dim=config.audio_heads * config.audio_head_width,
        audio_scale_factor=4,
        audio_pos_embed_max_pos=seconds,
        audio_sampling_rate=SAMPLE_RATE_HZ,
        audio_hop_length=HOP,
        num_layers=config.layers,
        caption_channels=config.text_width,
        rope_theta=100.0,
        rope_double_precision=False,
    )


def scheduler() -> Any:
    """Flow matching with one fixed shift, whatever the size."""
    return FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True,
        base_image_seq_len=1024,
        max_image_seq_len=4096,
        base_shift=SHIFT,
        max_shift=SHIFT,
        shift=1.0,
    )
