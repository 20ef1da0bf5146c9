"""A video VAE that starts as the linear code which it has to beat.

A network that begins with random weights needs most of an hour of one core to become as good as a principal component
analysis of the same rate. This one begins there: its residual blocks add nothing yet, its convolutions carry the
components, and its features ride on a constant, so that the norm and the activation before each last layer are nearly
straight lines. Both last layers are then fitted in closed form, through the network as it is. Training begins with what
a linear code cannot do.
"""

from typing import Any

import torch
from torch import Tensor, nn

RIDE = 4.0
"""The constant, in deviations of the features: the larger, the straighter, and the less precise in bfloat16."""
RIDGE = 1e-6
EVEN = 0.75
NOW = (2, 1, 1)
"""The tap of a causal 3x3x3 kernel that sees its own place."""


@torch.no_grad()
def start(vae: Any, pictures: Tensor) -> None:
    """Set all weights of a fresh VAE from pictures (B, 3, 1 + 4k, H, W) in -1..1."""
    for module in vae.modules():
        if hasattr(module, "conv2"):
            nn.init.zeros_(module.conv2.conv.weight)
            nn.init.zeros_(module.conv2.conv.bias)
    _start_encoder(vae, pictures)
    _start_decoder(vae, pictures)


def _start_encoder(vae: Any, pictures: Tensor) -> None:
    encoder, size = vae.encoder, vae.config.patch_size
    mean, basis, spread = components(patches(pictures, size, 1), encoder.conv_in.conv.out_channels)
    _linear(encoder.conv_in.conv, basis.T, -basis.T @ mean)
    hidden = encoder.conv_in(_patched(pictures, size))
    for k, block in enumerate(encoder.down_blocks):
        down = block.downsamplers[0]
        rows = hidden.movedim(1, -1).flatten(0, -2)
        _, basis, spread = components(rows, down.conv.conv.out_channels)
        _linear(down.conv.conv, (basis / spread ** (EVEN if k else 0)).T)
        hidden = down(hidden)
    scale = hidden.std()
    _scale(down.conv.conv, RIDE * scale)
    hidden = hidden + RIDE * scale
    features = encoder.conv_act(encoder.norm_out(encoder.mid_block(hidden))).movedim(1, -1).flatten(0, -2)
    wanted = latents_of(pictures, vae)[0].movedim(1, -1).flatten(0, -2)
    last = encoder.conv_out.conv
    weight, bias = fitted(features, wanted)
    quiet = torch.zeros(1, weight.shape[1])
    _linear(last, torch.cat([weight, quiet]), torch.cat([bias, torch.full((1,), -8.0)]))


def _start_decoder(vae: Any, pictures: Tensor) -> None:
    """Each upsampler gets the best low-rank share of the map from latents to the components of single patches."""
    decoder, size = vae.decoder, vae.config.patch_size
    latents = vae.encode(pictures).latent_dist.mode()  # (B, C, F, h, w)
    wide, last = decoder.conv_in.conv.out_channels, decoder.conv_out.conv
    _linear(decoder.conv_in.conv, torch.eye(wide, latents.shape[1]))
    first, second = (block.upsamplers[0] for block in decoder.up_blocks)
    mean, basis, spread = components(patches(pictures, size, 1), last.in_channels)
    shaped = ((patches(pictures, size, 1, flat=False) - mean) @ basis / spread**EVEN).movedim(-1, 1)  # (B, c, T, h, w)
    # (B, F - 1, h, w, c, halves, 2, 2, 2): all but the first latent frame, which has one picture only
    b, c, _, high, broad = shaped.shape
    grouped = shaped[:, :, 1:].reshape(b, c, -1, 2, 2, high // 2, 2, broad // 2, 2).permute(0, 2, 5, 7, 1, 3, 4, 6, 8)
    wanted = grouped.reshape(-1, c, 2, 8).movedim(2, 1).flatten(2)  # (N, halves, c * 8)
    known = latents[:, :, 1:].movedim(1, -1).flatten(0, -2)
    maps = [fitted(known, wanted[:, half]) for half in (0, 1)]  # each (c * 8, C)
    left, values, right = torch.linalg.svd(torch.cat([weight for weight, _ in maps], 1), full_matrices=False)
    rank = second.conv.conv.in_channels
    shares = (values[:rank, None] ** 0.5 * right[:rank]).split(latents.shape[1], 1)  # per half (rank, C)
    halves = torch.zeros(rank, 2, wide)
    for half, share in enumerate(shares):
        halves[: len(share), half, : share.shape[1]] = share
    _linear(first.conv.conv, halves.flatten(0, 1) - _residual(first))
    spreading = torch.zeros(8 * c, rank)
    spreading[:, : min(rank, left.shape[1])] = left[:, :rank] * values[:rank] ** 0.5
    centre = (maps[0][1] + maps[1][1]) / 2 + RIDE
    _linear(second.conv.conv, spreading - _residual(second), centre)
    hidden = decoder.conv_in(latents)
    for block in decoder.up_blocks:
        hidden = block(hidden)
    features = decoder.conv_act(decoder.norm_out(hidden)).movedim(1, -1).flatten(0, -2)
    _linear(last, *fitted(features, _patched(pictures, size).movedim(1, -1).flatten(0, -2)))


def latents_of(pictures: Tensor, vae: Any) -> tuple[Tensor, Tensor]:
    """What the linear code makes of pictures: (B, C, F, h, w) with unit variance, and the deviations (C)."""
    times, places = vae.temporal_compression_ratio, vae.spatial_compression_ratio
    longer = torch.cat([pictures[:, :, :1]] * (times - 1) + [pictures], 2)  # the first picture stands alone
    flat = patches(longer, places, times)
    mean, basis, spread = components(flat, vae.config.latent_channels)
    coded = (patches(longer, places, times, flat=False) - mean) @ basis / spread
    return coded.movedim(-1, 1), spread


def patches(pictures: Tensor, size: int, times: int, *, flat: bool = True) -> Tensor:
    """(B, 3, T, H, W) to (B, T / times, H / size, W / size, 3 * times * size * size), or all rows of it.

    Within a patch the order is that of the VAE's own patches for ``times`` 1: channel, x, y.
    """
    b, _, t, h, w = pictures.shape
    x = pictures.reshape(b, 3, t // times, times, h // size, size, w // size, size).permute(0, 2, 4, 6, 1, 3, 7, 5)
    x = x.flatten(4)
    return x.flatten(0, -2) if flat else x


def components(rows: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (D), the ``count`` largest principal components (D, count), and their deviations (count)."""
    chosen = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))[:40_000]]
    mean = chosen.mean(0)
    away = chosen - mean
    values, vectors = torch.linalg.eigh(away.T @ away / len(away))
    basis = torch.zeros(rows.shape[1], count)
    found = vectors.flip(1)[:, :count]
    basis[:, : found.shape[1]] = found
    return mean, basis, values.flip(0)[:count].clamp(min=1e-8).sqrt()


def fitted(known: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Weight (out, in) and bias (out) of the least squares from rows to rows."""
    middle, target = known.mean(0), wanted.mean(0)
    x, y = (known - middle).double(), (wanted - target).double()
    gram = x.T @ x
    gram += RIDGE * len(x) * torch.eye(len(gram)) * gram.diagonal().mean() / len(x)
    weight = torch.linalg.solve(gram, x.T @ y).T.float()
    return weight, target - weight @ middle


def _linear(conv: nn.Conv3d, weight: Tensor, bias: Tensor | None = None) -> None:
    conv.weight.zero_()
    conv.weight[(slice(None), slice(None), *NOW)] = weight
    if conv.bias is not None:
        conv.bias.copy_(torch.zeros(len(weight)) if bias is None else bias)


def _scale(conv: nn.Conv3d, constant: Tensor) -> None:
    if conv.bias is not None:
        conv.bias.add_(constant)


def _residual(upsampler: Any) -> Tensor:
    """The upsampler's own shortcut as a matrix (out * stride, in), in the order of its convolution's channels."""
    if not upsampler.residual:
        return torch.zeros(())
    conv = upsampler.conv.conv
    stride = 1
    for factor in upsampler.stride:
        stride *= factor
    count = conv.in_channels // stride  # channels of the shortcut before they are repeated
    out = torch.zeros(conv.out_channels // stride, stride, conv.in_channels)
    for channel in range(len(out)):
        for place in range(stride):
            out[channel, place, (channel % count) * stride + place] = 1
    return out.flatten(0, 1)


def _patched(pictures: Tensor, size: int) -> Tensor:
    """The VAE's own first step: (B, 3, T, H, W) to (B, 3 * size * size, T, H / size, W / size)."""
    return patches(pictures, size, 1, flat=False).movedim(-1, 1)
