"""The network that a probe looks with: what is where, and, for what has a pace, how each thing seen moves in time."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

SEEN = 32
"""Kinds of things whose place is followed through the film."""
PARTS = 8
"""Parts of the film in which the tracks are averaged."""
SPECTRUM = 17
"""Frequencies of the tracks, up to half the frame rate."""


class Eye(nn.Module):
    """Pictures (B, 3, T, h, w) in -1..1 to logits, with one head for each aspect of ``answers``.

    Two views are joined. The maps see 15 frames at once, in twelve places. The tracks say of each thing in each frame
    how strongly it is there and at which x and y, as coordinates and as a spectrum over the whole film: from pooled
    maps a pace could not be told (.54 on real clips).
    """

    def __init__(self, answers: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self.near = nn.Sequential(
            nn.Conv3d(3, 16, (1, 5, 5), (1, 2, 2), (0, 2, 2)), nn.GELU(), nn.BatchNorm3d(16),
            nn.Conv3d(16, 32, 3, (1, 2, 2), 1), nn.GELU(), nn.BatchNorm3d(32),
        )  # fmt: skip
        self.maps = nn.Sequential(
            nn.Conv3d(32, 64, 3, (1, 2, 2), 1), nn.GELU(), nn.BatchNorm3d(64),
            nn.Conv3d(64, 64, (5, 1, 1), 1, (2, 0, 0)), nn.GELU(), nn.BatchNorm3d(64),
            nn.Conv3d(64, 64, (5, 1, 1), 1, (4, 0, 0), (2, 1, 1)), nn.GELU(), nn.BatchNorm3d(64),
            nn.AdaptiveAvgPool3d((6, 3, 4)), nn.Flatten(), nn.Dropout(0.2),
        )  # fmt: skip
        self.seen = nn.Conv3d(32, SEEN, 1)
        self.over_time = nn.Sequential(
            nn.BatchNorm1d(3 * SEEN),
            nn.Conv1d(3 * SEEN, 96, 5, padding=2), nn.GELU(), nn.BatchNorm1d(96),
            nn.Conv1d(96, 96, 5, padding=2), nn.GELU(), nn.BatchNorm1d(96),
        )  # fmt: skip
        self.spectra = nn.BatchNorm1d(SPECTRUM * 96)
        self.drop = nn.Dropout(0.2)
        width = 64 * 6 * 3 * 4 + 96 * PARTS + 96 * SPECTRUM
        self.heads = nn.ModuleDict({aspect: nn.Linear(width, len(names)) for aspect, names in answers.items()})

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Logits (B, answers) for each aspect."""
        near = self.near(pictures)
        moves = self.over_time(tracks(self.seen(near)))
        parts = nn.functional.adaptive_avg_pool1d(moves, PARTS).flatten(1)
        rhythm = torch.fft.rfft(moves, 2 * SPECTRUM - 2).abs().log1p().flatten(1)
        features = torch.cat([self.maps(near), self.drop(parts), self.drop(self.spectra(rhythm))], 1)
        return {aspect: head(features) for aspect, head in self.heads.items()}


def tracks(maps: Tensor) -> Tensor:
    """Maps (B, C, T, h, w) to (B, 3C, T): each one's strongest value, and its middle x and y in -1..1."""
    height, width = maps.shape[-2:]
    weights = maps.flatten(-2).softmax(-1).view_as(maps)
    x = (weights.sum(-2) * torch.linspace(-1, 1, width, device=maps.device)).sum(-1)
    y = (weights.sum(-1) * torch.linspace(-1, 1, height, device=maps.device)).sum(-1)
    return torch.cat([maps.amax((-2, -1)), x, y], 1)
