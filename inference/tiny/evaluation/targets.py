"""What the model has to reach, held against what was measured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

BOTH_LANGUAGES = ("style", "subject", "colour", "motion", "weather")


@dataclass(frozen=True)
class Target:
    """A figure and its bound; ``above`` says on which side of it the goal is."""

    figure: str
    bound: float
    read: Callable[[Mapping[str, Any]], float]
    above: bool = True

    def row(self, result: Mapping[str, Any]) -> str:
        """A row of a Markdown table; a figure that was not measured is not reached."""
        try:
            value = self.read(result)
        except (KeyError, ValueError):
            return f"| {self.figure} | {self._bound} | not measured | no |"
        reached = value >= self.bound if self.above else value <= self.bound
        return f"| {self.figure} | {self._bound} | {value:.2f} | {'yes' if reached else 'no'} |"

    @property
    def _bound(self) -> str:
        return f"{'≥' if self.above else '≤'} {self.bound:g}"


def _attribute(name: str) -> Callable[[Mapping[str, Any]], float]:
    return lambda result: float(result["attributes"]["final en"][name])


def _gap(result: Mapping[str, Any]) -> float:
    """How much better English is than French, over the attributes that both say."""
    english, french = (result["attributes"][f"final {language}"] for language in ("en", "fr"))
    return float(sum(english[name] - french[name] for name in BOTH_LANGUAGES) / len(BOTH_LANGUAGES))


TARGETS = (
    *(Target(f"{name} from the prompt", 0.95, _attribute(name)) for name in ("style", "subject", "colour")),
    *(Target(f"{name} from the prompt", 0.85, _attribute(name)) for name in ("motion", "pace", "weather")),
    *(Target(f"{name} from the prompt", 0.7, _attribute(name)) for name in ("camera", "second")),
    Target("English over French", 0.03, _gap, above=False),
    Target("bounces that fit constant acceleration", 0.8, lambda r: float(r["sync"]["final"]["bounce_fit"])),
    Target("bells whose period fits their pace", 0.8, lambda r: float(r["sync"]["final"]["bell_period"])),
    Target("onsets within a frame of the contact", 0.85, lambda r: float(r["sync"]["final"]["within_a_frame"])),
    Target("the same, shuffled", 0.35, lambda r: float(r["sync"]["final"]["shuffled"]), above=False),
    Target("sound of the subject", 0.9, _attribute("sound")),
    Target("VAE, dB", 28, lambda r: float(r["vae"]["vae_db"])),
    Target(
        "VAE over PCA on moving pixels, dB", 3, lambda r: float(r["vae"]["vae_moving_db"] - r["vae"]["pca_moving_db"])
    ),
    Target("draft to frames and mels, s", 0.8, lambda r: float(r["speed_s"]["draft"]), above=False),
    Target("first preview, s", 0.3, lambda r: float(r["speed_s"]["first preview"]), above=False),
    Target("load, s", 2, lambda r: float(r["speed_s"]["load"]), above=False),
    Target("final to frames and mels, s", 8, lambda r: float(r["speed_s"]["final"]), above=False),
    Target("worst seam of four extensions", 1.5, lambda r: float(max(r["extend"].values())), above=False),
)


def table(result: Mapping[str, Any]) -> list[str]:
    """Rows of a Markdown table."""
    return [
        "| figure | target | measured | reached |",
        "|---|---|---|---|",
        *(target.row(result) for target in TARGETS),
    ]
