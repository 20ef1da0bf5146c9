"""Teaches the probe's eye, on real clips only.

They are blurred and noised, so that it does not lean on edges that no VAE keeps, and mirrored. Among them are other
clips of the combinations that are held out from the model: without these, the eye learned that a hammer at sunset is
never purple, and said so of every purple one.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from inference.tiny.evaluation.eye import Eye
from inference.tiny.evaluation.probes import ANSWERS, BATCH, answer, small
from inference.tiny.recipe import data, files
from inference.tiny.recipe.config import Config
from inference.tiny.recipe.data import HELD_OUT_PART, Clips
from inference.tiny.recipe.progress import say
from inference.tiny.world.attributes import Scene

EPOCHS = 8
NOISE = 0.03
_MIRRORED = {"left": "right", "right": "left", "": ""}
_CAMERAS = {"pan_left": "pan_right", "pan_right": "pan_left"}


def train(config: Config, clips: Clips, folder: Path, device: torch.device) -> Eye:
    """Train an eye on real clips, once; later calls load it."""
    eye, path = Eye(ANSWERS).to(device), folder / "probe.pt"
    if path.exists():
        eye.load_state_dict(torch.load(path, map_location=device, weights_only=True))
        return eye.eval()
    more = data.draw_for_probes(config, max(1, len(clips) // HELD_OUT_PART), folder / "clips")
    scenes = [*clips.scenes, *more.scenes]
    pictures = torch.cat([_bytes(part, k) for part in (clips, more) for k in range(0, len(part), BATCH)])
    _fit(eye, pictures, scenes, device)
    files.save(eye.state_dict(), path)
    return eye.eval()


def _fit(eye: Eye, pictures: Tensor, scenes: Sequence[Scene], device: torch.device) -> None:
    torch.manual_seed(1)
    steps = EPOCHS * (len(scenes) // BATCH)
    optimizer = torch.optim.AdamW(eye.parameters(), 3e-3, weight_decay=0.02)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=max(steps, 2))
    for step in range(steps):
        chosen = torch.randint(len(scenes), (BATCH,))
        loss = _loss(eye, pictures[chosen].to(device), [scenes[k] for k in chosen.tolist()])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        plan.step()
        if step % 100 == 0:
            say("probe", step=step, of=steps, loss=loss.item())


def _bytes(clips: Clips, first: int) -> Tensor:
    return ((small(clips.frames[first : first + BATCH]) + 1) * 127.5).round().to(torch.uint8)


def _loss(eye: Eye, pictures: Tensor, scenes: Sequence[Scene]) -> Tensor:
    """Cross entropy over all aspects, of clips (B, 3, T, HEIGHT, w) uint8."""
    shown = _worn(pictures.float() / 127.5 - 1)
    turned = [bool(torch.rand(()) < 0.5) and scene.light != "left" for scene in scenes]
    shown = torch.stack([clip.flip(-1) if turn else clip for clip, turn in zip(shown, turned, strict=True)])
    seen = [mirrored(scene) if turn else scene for scene, turn in zip(scenes, turned, strict=True)]
    total = torch.zeros((), device=pictures.device)
    with torch.autocast(pictures.device.type, torch.bfloat16, enabled=_pays_half(pictures.device)):
        # Channels last: a quarter less time for a step on a CPU.
        found = eye(shown.contiguous(memory_format=torch.channels_last_3d))
    for aspect, logits in found.items():
        right = [ANSWERS[aspect].index(answer(scene, aspect)) for scene in seen]
        total = total + F.cross_entropy(logits.float(), torch.tensor(right, device=pictures.device))
    return total


def _pays_half(device: torch.device) -> bool:
    """Whether bfloat16 saves time: a CPU without AVX-512 takes twenty times as long over a convolution in it."""
    return device.type != "cpu" or torch.backends.cpu.get_cpu_capability() == "AVX512"


def mirrored(scene: Scene) -> Scene:
    """What a scene is when its pictures are mirrored. Light from the left has no mirror image in this world."""
    return replace(scene, side=_MIRRORED[scene.side], camera=_CAMERAS.get(scene.camera, scene.camera))


def _worn(pictures: Tensor) -> Tensor:
    """Half of them blurred, all with a little noise: (B, 3, T, h, w)."""
    worn, chosen = pictures.clone(), torch.rand(len(pictures)) < 0.5
    worn[chosen] = _blurred(_blurred(pictures[chosen], -1), -2)
    # Even noise of this deviation: drawing it from a normal distribution took as long as the rest of a step.
    return worn.add_((torch.rand_like(worn) - 0.5) * (NOISE * 12**0.5))


def _blurred(pictures: Tensor, side: int) -> Tensor:
    """Each pixel the mean of itself and its two neighbours along one side."""
    first, last = pictures.narrow(side, 0, 1), pictures.narrow(side, -1, 1)
    wide, length = torch.cat([first, pictures, last], side), pictures.shape[side]
    return (wide.narrow(side, 0, length) + pictures + wide.narrow(side, 2, length)) / 3
