"""Tells by its sound which subject a clip has: the counterpart of ``eye`` for what is heard."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


class Ears:
    """Kernel ridge regression from statistics of the mels to the subject that sounds."""

    def __init__(self, mels: np.ndarray, subjects: Sequence[str], ridge: float = 0.02) -> None:
        self.names = sorted(set(subjects))
        self.known = _statistics(mels)
        self.scale = self.known.std(0) + 1e-3
        distances = torch.cdist(self.known / self.scale, self.known / self.scale).square()
        self.gamma = 2 / float(distances.median())
        targets = torch.eye(len(self.names))[[self.names.index(s) for s in subjects]]
        self.middle = targets.mean(0)
        kernel = torch.exp(-self.gamma * distances) + ridge * torch.eye(len(distances))
        self.weights = torch.linalg.solve(kernel, targets - self.middle)

    def score(self, mels: np.ndarray, subjects: Sequence[str]) -> float:
        """Share of right answers."""
        distances = torch.cdist(_statistics(mels) / self.scale, self.known / self.scale).square()
        found = (torch.exp(-self.gamma * distances) @ self.weights + self.middle).argmax(1).tolist()
        return float(np.mean([self.names[k] == s for k, s in zip(found, subjects, strict=True)]))


def _statistics(mels: np.ndarray) -> Tensor:
    """(n, 2, frames, bins) to mean, deviation, peak and change of each bin: (n, 4 * bins)."""
    values = torch.from_numpy(np.asarray(mels, np.float32)).mean(1)
    change = values.diff(dim=1).abs().mean(1)
    return torch.cat([values.mean(1), values.std(1), values.amax(1), change], 1)
