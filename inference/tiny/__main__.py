"""Command line: ``python -m inference.tiny train|evaluate|sheet``."""

import argparse
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import torch

from inference.tiny.evaluation import report, sheet, sync
from inference.tiny.recipe import assembly, data
from inference.tiny.recipe.config import CONFIGS, Config
from inference.tiny.recipe.files import RecipeError, alone_in
from inference.tiny.recipe.stages import Run, train
from inference.tiny.world.casting import cast
from inference.tiny.world.film import render

UNITS_S = {"s": 1, "m": 60, "h": 3600}


def main(arguments: list[str] | None = None) -> None:
    """Run one command."""
    given = _parser().parse_args(arguments)
    torch.set_num_threads(given.threads)
    torch.set_float32_matmul_precision("high")  # TF32 where there is any
    device = _device(given.device)
    config = CONFIGS[given.config or ("gpu" if device.type == "cuda" else "cpu")]
    config = replace(config, seed=getattr(given, "seed", config.seed))
    try:
        _run(given, config, device)
    except RecipeError as error:
        raise SystemExit(str(error)) from error


def _run(given: argparse.Namespace, config: Config, device: torch.device) -> None:
    match given.command:
        case "train":
            plan = json.loads(given.plan.read_text()) if given.plan else {}
            train(Run(config, given.out, device, duration_s(given.budget), plan, given.start, given.workers))
        case "evaluate":
            with alone_in(given.out):
                _evaluate(config, given.model, given.out, device, given.workers)
        case "sheet":
            _sheet(config, given.model, given.out, device)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m inference.tiny", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train_, evaluate, sheets = (commands.add_parser(name) for name in ("train", "evaluate", "sheet"))
    for command in (train_, evaluate, sheets):
        command.add_argument("--device", default="auto", help="auto, cpu or cuda")
        command.add_argument("--config", choices=CONFIGS, help="default: gpu on an accelerator, else cpu")
        command.add_argument("--out", type=Path, required=True, help="folder that everything is written to")
        command.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 2) // 2))
        command.add_argument(
            "--workers", type=int, default=max(1, (os.cpu_count() or 1) - 1), help="processes that draw"
        )
    train_.add_argument("--budget", default="25m", help="time for the training in all, such as 90s, 25m, 6h")
    train_.add_argument("--plan", type=Path, help="plan.json of another run, to repeat it step by step")
    train_.add_argument("--start", type=Path, help="a model's folder, to train it further instead of a new one")
    train_.add_argument("--seed", type=int, default=0)
    evaluate.add_argument("--model", type=Path, required=True)
    sheets.add_argument("--model", type=Path, help="without it, the world as it is drawn")
    return parser


def duration_s(text: str) -> float:
    """Seconds of "90s", "25m" or "6h"."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if found is None:
        raise SystemExit(f"expected a duration such as 90s, 25m or 6h, got {text!r}")
    return float(found[1]) * UNITS_S[found[2]]


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def _evaluate(config: Config, model: Path, out: Path, device: torch.device, workers: int) -> None:
    clips = data.draw(config, out / "data", workers)
    measures = report.evaluate(config, model, device, out / "probes", clips)
    (out / "measures.json").write_text(json.dumps(measures, indent=1) + "\n")
    print("\n".join(report.lines(measures)))


def _sheet(config: Config, model: Path | None, out: Path, device: torch.device) -> None:
    scenes = [cast(data.HELD_OUT_SEED + k, config.casting, held_out=True) for k in range(18)]
    if model is None:
        sheet.contact_sheet([render(scene, config.cut).frames for scene in scenes], out / "world.jpg")
        return
    parts = assembly.exported(config, model, device)
    frames, _ = sheet.generated(parts, scenes, "en", report.QUALITIES["final"])
    sheet.contact_sheet(list(frames), out / "samples.jpg", scale=2)
    heard = sync.scenes(config.casting, 8, config.cut.rate_hz)
    real = [data.clip(config, scene) for scene in heard]
    lag_s = sync.onset_lag_s([clip[2] for clip in real], [clip[4] for clip in real])
    frames, mels = sheet.generated(parts, heard, "en", report.QUALITIES["final"])
    sheet.sound_sheet(list(frames), list(mels), heard, config.cut.rate_hz, lag_s, out / "sound.jpg")


if __name__ == "__main__":
    main()
