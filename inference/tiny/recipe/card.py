"""The model card, written from what was measured."""

from collections.abc import Mapping, Sequence
from typing import Any

from inference.tiny.evaluation.report import lines
from inference.tiny.recipe.config import Config

TEXT = """# Rushes Tiny

A joint audio-video diffusion model, trained from scratch by this repository on scenes that this repository draws.
It exists so that the studio makes a real clip on a laptop in the minute after it is started. It is a toy: it draws
simple cartoons of the things listed below, and nothing else.

- **Class and format**: `diffusers.LTX2Pipeline`; loads with `LTX2Pipeline.from_pretrained`. `manifest.json` holds the
  call's arguments: the stock defaults are for a model of 19 billion parameters.
- **Output**: {width}x{height}, {frames} frames at {rate} a second, stereo sound at 16 kHz. Measured at that; what else
  `manifest.json` offers was looked at only.
- **Understands**: {subjects}; colours {colours}; {styles}; {weathers}; cameras {cameras}; in English and French.
- **Licence**: Apache-2.0, weights and code.
- **Data**: {clips} clips drawn by `inference/tiny/world` with sound by `inference/tiny/sound`. No picture, sound,
  text or weight of anybody else went in. Held out of training: one in twelve combinations of subject, colour and
  style, and all seeds of the evaluation.
- **Made by**: `python -m inference.tiny train --config {name}`; the steps of every stage are below.

## Stages

{stages}

## Measures

{clips_evaluated} held-out captions of held-out combinations; probes trained on real clips. "real" is what the probes
reach on real clips: the ceiling. Sound and picture: onsets within one frame of the visible contact, for the right pairs
and for pairs shuffled within the same subject and pace, at the paces of which the rate shows enough. "sound to real
pictures" is what the model plays to a picture that is given: it tells what it hears apart from what it draws.

{measures}

## Known failures

See the figures above: what is far below its ceiling is not reliable. Words outside the lists are ignored or lead to
something near; two subjects, camera moves and falling rain are the weakest. Text, faces and anything photographic are
out of reach by construction.
"""


def write(config: Config, runs: Sequence[Mapping[str, Mapping[str, Any]]], measures: Mapping[str, Any]) -> str:
    """The card as Markdown. ``runs``: the stages of the first training, and of each that went on from it."""
    casting, cut = config.casting, config.cut
    return TEXT.format(
        width=cut.width,
        height=cut.height,
        frames=cut.frames,
        rate=cut.rate_hz,
        subjects=", ".join(casting.subjects),
        colours=", ".join(casting.colours),
        styles=", ".join(casting.styles),
        weathers=", ".join(casting.weathers),
        cameras=", ".join(casting.cameras),
        clips=config.clips,
        name=config.name,
        stages="\n".join(_run(k, stages) for k, stages in enumerate(runs)),
        clips_evaluated=measures.get("clips", 0),
        measures="\n".join(lines(dict(measures))),
    )


def _run(number: int, stages: Mapping[str, Mapping[str, Any]]) -> str:
    said = [_stage(name, values) for name, values in stages.items()]
    return "\n".join(said if number == 0 else ["", f"Trained further, run {number + 1}:", "", *said])


def _stage(name: str, values: Mapping[str, Any]) -> str:
    facts = ", ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in values.items()
    )
    return f"- **{name}**: {facts}"
