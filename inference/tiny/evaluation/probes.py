"""Reads attributes off clips. The probes learn from real clips only, blurred and noised so that they do not lean on
edges that no VAE keeps; their accuracy on real held-out clips is the ceiling beside every figure."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inference.tiny.recipe.data import Clips
from inference.tiny.recipe.progress import say
from inference.tiny.world.attributes import Scene

ASPECTS = ("style", "subject", "colour", "motion", "pace", "weather", "camera", "light", "second")
HEIGHT = 32
"""Rows that the probe looks at."""
EPOCHS = 5
BATCH = 32


def answer(scene: Scene, aspect: str) -> str:
    """The right answer for a clip of this scene; motion includes the side."""
    if aspect == "motion":
        return f"{scene.motion} {scene.side}".strip()
    return str(getattr(scene, aspect))


class Probe(nn.Module):
    """A small network with one head for each aspect. It sees 15 frames at once: a slow pace has a contact in ten."""

    def __init__(self, answers: dict[str, list[str]]) -> None:
        super().__init__()
        self.answers = answers
        self.body = nn.Sequential(
            nn.Conv3d(3, 16, (1, 5, 5), (1, 2, 2), (0, 2, 2)), nn.GELU(), nn.BatchNorm3d(16),
            nn.Conv3d(16, 32, 3, (1, 2, 2), 1), nn.GELU(), nn.BatchNorm3d(32),
            nn.Conv3d(32, 64, 3, (1, 2, 2), 1), nn.GELU(), nn.BatchNorm3d(64),
            nn.Conv3d(64, 64, (5, 1, 1), 1, (2, 0, 0)), nn.GELU(), nn.BatchNorm3d(64),
            nn.Conv3d(64, 64, (5, 1, 1), 1, (4, 0, 0), (2, 1, 1)), nn.GELU(), nn.BatchNorm3d(64),
            nn.AdaptiveAvgPool3d((6, 3, 4)), nn.Flatten(), nn.Dropout(0.2),
        )  # fmt: skip
        width = 64 * 6 * 3 * 4
        self.heads = nn.ModuleDict({aspect: nn.Linear(width, len(names)) for aspect, names in answers.items()})

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Pictures (B, 3, T, h, w) in -1..1 to logits for each aspect."""
        features = self.body(pictures)
        return {aspect: head(features) for aspect, head in self.heads.items()}


def small(frames: np.ndarray) -> Tensor:
    """(B, T, H, W, 3) uint8 to (B, 3, T, HEIGHT, w) in -1..1."""
    pictures = torch.from_numpy(np.array(frames)).permute(0, 1, 4, 2, 3).float() / 127.5 - 1
    batch, length, _, height, width = pictures.shape
    size = (HEIGHT, round(HEIGHT * width / height))
    shrunk = F.interpolate(pictures.flatten(0, 1), size, mode="area")
    return shrunk.view(batch, length, 3, *size).transpose(1, 2)


def train(clips: Clips, folder: Path, device: torch.device) -> Probe:
    """Train on real clips, once; later calls load it."""
    answers = {aspect: sorted({answer(scene, aspect) for scene in clips.scenes}) for aspect in ASPECTS}
    probe, path = Probe(answers).to(device), folder / "probe.pt"
    if path.exists():
        probe.load_state_dict(torch.load(path, map_location=device, weights_only=True))
        return probe.eval()
    torch.manual_seed(1)
    steps = EPOCHS * (len(clips) // BATCH)
    optimizer = torch.optim.AdamW(probe.parameters(), 3e-3, weight_decay=0.02)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=max(steps, 2))
    shrunk = torch.cat([_bytes(clips.frames[k : k + BATCH]) for k in range(0, len(clips), BATCH)])
    for step in range(steps):
        loss = _loss(probe, shrunk, clips.scenes, torch.randint(len(clips), (BATCH,)), device)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        plan.step()
        if step % 100 == 0:
            say("probe", step=step, of=steps, loss=loss.item())
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(probe.state_dict(), path)
    return probe.eval()


def _bytes(frames: np.ndarray) -> Tensor:
    return ((small(frames) + 1) * 127.5).round().to(torch.uint8)


def _loss(probe: Probe, shrunk: Tensor, scenes: Sequence[Scene], chosen: Tensor, device: torch.device) -> Tensor:
    """Cross entropy over all aspects, of clips (n, 3, T, HEIGHT, w) uint8."""
    pictures = _worn(shrunk[chosen].to(device).float() / 127.5 - 1)
    total = torch.zeros((), device=device)
    for aspect, logits in probe(pictures).items():
        names = probe.answers[aspect]
        right = torch.tensor([names.index(answer(scenes[k], aspect)) for k in chosen.tolist()], device=device)
        total = total + F.cross_entropy(logits, right)
    return total


def _worn(pictures: Tensor) -> Tensor:
    """Half of them blurred, all with a little noise."""
    flat = pictures.transpose(1, 2).flatten(0, 1)
    blurred = (
        F.avg_pool2d(F.pad(flat, (1, 1, 1, 1), mode="replicate"), 3, 1)
        .view_as(pictures.transpose(1, 2))
        .transpose(1, 2)
    )
    chosen = (torch.rand(len(pictures), 1, 1, 1, 1, device=pictures.device) < 0.5).float()
    return pictures + chosen * (blurred - pictures) + 0.03 * torch.randn_like(pictures)


@torch.no_grad()
def score(probe: Probe, frames: np.ndarray, scenes: Sequence[Scene], device: torch.device) -> dict[str, float]:
    """Share of right answers for each aspect. Pace and second count only where there is one."""
    logits: dict[str, list[Tensor]] = {aspect: [] for aspect in probe.answers}
    for k in range(0, len(frames), BATCH):
        for aspect, values in probe(small(frames[k : k + BATCH]).to(device)).items():
            logits[aspect].append(values.cpu())
    found = {aspect: torch.cat(values).argmax(1).tolist() for aspect, values in logits.items()}
    return {aspect: _share(probe, aspect, found[aspect], scenes) for aspect in probe.answers}


def chance(clips: Clips, scenes: Sequence[Scene]) -> dict[str, float]:
    """Share of right answers for each aspect of who always gives the commonest answer of the training clips."""
    found: dict[str, float] = {}
    for aspect in ASPECTS:
        known = Counter(answer(scene, aspect) for scene in clips.scenes if _asked(scene, aspect))
        asked = [scene for scene in scenes if _asked(scene, aspect)]
        if known and asked:
            found[aspect] = float(np.mean([answer(scene, aspect) == known.most_common(1)[0][0] for scene in asked]))
    return found


def _share(probe: Probe, aspect: str, found: list[int], scenes: Sequence[Scene]) -> float:
    names = probe.answers[aspect]
    asked = [k for k, scene in enumerate(scenes) if _asked(scene, aspect)]
    right = [names[found[k]] == answer(scenes[k], aspect) for k in asked]
    return float(np.mean(right)) if right else float("nan")


def _asked(scene: Scene, aspect: str) -> bool:
    if aspect == "pace":
        return scene.action.paced
    return aspect != "second" or bool(scene.second)


class SoundProbe:
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
