"""Muon: momentum whose update is made orthogonal (Jordan et al., 2024), with Adam for what is not a matrix.

On the video VAE it reached in 80 s what AdamW did not in 200.
"""

from collections.abc import Iterable
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
            for parameter in group["params"]:
                if parameter.grad is not None:
                    rule = _orthogonal if group["orthogonal"] else _adam
                    rule(parameter, parameter.grad, self.state[parameter], group)


def _orthogonal(parameter: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
    momentum = state.setdefault("momentum", torch.zeros_like(parameter))
    momentum.mul_(group["momentum"]).add_(gradient)
    ahead = gradient.add(momentum, alpha=group["momentum"]).reshape(parameter.shape[0], -1)
    update = orthogonalised(ahead)
    tall = max(1.0, update.shape[0] / update.shape[1]) ** 0.5
    parameter.add_(update.reshape(parameter.shape), alpha=-group["lr"] * tall)


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
    """The nearest matrix with all singular values near 1, by five Newton-Schulz steps in bfloat16."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).bfloat16()
    x = x / (x.norm() + 1e-7)
    a, b, c = QUINTIC
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    found: Tensor = (x.T if tall else x).float()
    return found


def for_convolutions(module: nn.Module, lr: float, adam_lr: float) -> Muon:
    """Every weight with at least four rows and columns is a matrix."""
    parameters = list(module.parameters())
    matrices = [p for p in parameters if p.ndim >= 2 and min(p.shape[0], p[0].numel()) >= 4]
    chosen = {id(p) for p in matrices}
    return Muon(matrices, [p for p in parameters if id(p) not in chosen], lr, adam_lr)
