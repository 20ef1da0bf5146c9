"""The recipe's parts, and a whole training in miniature."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inference.pipelines.griffin import griffin_lim
from inference.tiny.__main__ import duration_s
from inference.tiny.recipe import data, files, models, text
from inference.tiny.recipe.assembly import exported
from inference.tiny.recipe.config import CONFIGS, CPU, SMOKE, Config
from inference.tiny.recipe.decoder import MOST_WRONG, DecoderLearner
from inference.tiny.recipe.diffusion import SUBJECT_WEIGHT, draw_prefix, draw_sigmas, subject_weight
from inference.tiny.recipe.files import RecipeError
from inference.tiny.recipe.latents import Encoded
from inference.tiny.recipe.loop import Loop, rate_at
from inference.tiny.recipe.mel import mel, scale
from inference.tiny.recipe.muon import orthogonalised
from inference.tiny.recipe.parts import Sampling, schedule
from inference.tiny.recipe.stages import TRAINED, Run, history, train
from inference.tiny.world.casting import cast


@dataclass
class Line:
    """Fits y = 3 x: the smallest learner."""

    modules: nn.ModuleDict = field(init=False)
    optimizer: torch.optim.Optimizer = field(init=False)

    def __post_init__(self) -> None:
        torch.manual_seed(0)
        self.modules = nn.ModuleDict({"line": nn.Linear(1, 1)})
        self.optimizer = torch.optim.Adam(self.modules.parameters(), 0.05)

    def loss(self, random: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        x = torch.randn(16, 1, generator=random)
        loss = (self.modules["line"](x) - 3 * x).square().mean()
        return loss, {"loss": loss.item()}

    def measures(self) -> dict[str, float]:
        return {}


def weights(learner: Line) -> list[float]:
    return torch.cat([p.detach().flatten() for p in learner.modules.parameters()]).tolist()


def test_a_fixed_number_of_steps_is_repeatable(tmp_path: Path) -> None:
    runs = [Line(), Line()]
    for k, learner in enumerate(runs):
        Loop("line", tmp_path / str(k), budget_s=9, seed=1, steps=60).run(learner)
    assert weights(runs[0]) == weights(runs[1])


def test_a_killed_stage_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole, broken, resumed = Line(), Line(), Line()
    Loop("line", tmp_path / "whole", budget_s=9, seed=1, steps=40).run(whole)

    class KilledError(Exception):
        pass

    class Stopping(Line):
        def loss(self, random: torch.Generator) -> tuple[Tensor, dict[str, float]]:
            self.count = getattr(self, "count", 0) + 1
            if self.count > 25:
                raise KilledError
            return super().loss(random)

    broken = Stopping()
    with pytest.raises(KilledError):
        Loop("line", tmp_path / "broken", budget_s=9, seed=1, steps=40, save_s=-1).run(broken)
    Loop("line", tmp_path / "broken", budget_s=9, seed=1, steps=40).run(resumed)
    assert weights(resumed) == weights(whole)


def test_the_rate_warms_up_stays_and_falls() -> None:
    assert rate_at(0.0, 0, 10) == pytest.approx(0.1)
    assert rate_at(0.3, 100, 10) == 1
    assert rate_at(0.99, 100, 10) < 0.05


def test_muon_makes_singular_values_near_one() -> None:
    matrix = torch.randn(24, 40, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalised(matrix))
    assert values.min() > 0.4
    assert values.max() < 1.4


def test_the_schedule_is_the_pipelines() -> None:
    scheduler = models.scheduler()
    scheduler.set_timesteps(sigmas=np.linspace(1, 1 / 8, 8), mu=models.SHIFT)
    assert schedule(8) == pytest.approx(scheduler.sigmas.tolist(), abs=1e-6)


def test_griffin_lim_keeps_the_pitch() -> None:
    tone = 0.5 * torch.sin(2 * torch.pi * 440 * torch.arange(16_000) / 16_000).expand(1, 2, -1)
    sound = griffin_lim(mel(tone, 32), scale(32))
    spectrum = torch.fft.rfft(sound[0, 0]).abs()
    assert spectrum.argmax().item() * 16_000 / sound.shape[-1] == pytest.approx(440, abs=60)


def test_noise_is_drawn_apart_and_some_is_clean() -> None:
    video, audio = draw_sigmas(2000, torch.Generator().manual_seed(0))
    assert 0.4 < (video != audio).float().mean() < 0.8
    assert 0.08 < (video == 0).float().mean() < 0.16
    assert video.max() <= 1


def test_the_tokens_around_the_subject_weigh_more_while_it_is_there() -> None:
    centres = torch.full((1, CPU.cut.frames, 2, 2), torch.nan)
    centres[0, :5, 0] = torch.tensor([40.0, 24.0])  # two latent frames: the first picture, then four
    found = subject_weight(CPU, centres).view(CPU.latent_frames, *CPU.latent_size)
    assert found[:2, 1, 2].tolist() == [SUBJECT_WEIGHT] * 2
    assert found[:2, 1, 5].tolist() == [1.0] * 2
    assert (found[2:] == 1).all()
    centres[0, :, 1] = torch.tensor([88.0, 40.0])
    both = subject_weight(CPU, centres).view(CPU.latent_frames, *CPU.latent_size)
    assert both[:2, 1, 2].tolist() == [SUBJECT_WEIGHT] * 2
    assert (both[:, 2, 5] == SUBJECT_WEIGHT).all(), "the second thing's too"


def test_prefixes_of_picture_and_sound_last_as_long() -> None:
    height, width = CPU.latent_size
    clean = torch.randn(64, CPU.latent_frames * height * width, 4), torch.randn(64, CPU.audio_latents, 4)
    prefix = draw_prefix(CPU, clean, torch.Generator().manual_seed(0), share=1.0)
    frames = prefix.video_mask.sum((1, 2)) / (height * width)
    assert set(frames.tolist()) == {1.0, 2.0}
    assert set(prefix.audio_mask.sum((1, 2))[frames == 2].tolist()) == {10.0}
    assert not prefix.audio_mask[frames == 1].any()


def test_some_of_the_decoders_latents_are_wrong_and_none_by_much(tmp_path: Path) -> None:
    clips, count = data.draw(SMOKE, tmp_path), 400
    tokens = SMOKE.latent_frames * SMOKE.latent_size[0] * SMOKE.latent_size[1]
    encoded = Encoded(torch.zeros(len(clips), tokens, SMOKE.latent_channels), torch.zeros(len(clips), 1, 1))
    vae = models.video_vae(SMOKE)
    learner = DecoderLearner(SMOKE, clips, clips, encoded, torch.device("cpu"), vae)
    found = learner._latents(torch.zeros(count, dtype=torch.long), torch.Generator().manual_seed(0))
    assert found.shape == (count, SMOKE.latent_channels, SMOKE.latent_frames, *SMOKE.latent_size)
    wrong = ((found - vae.latents_mean.view(1, -1, 1, 1, 1)) / vae.latents_std.view(1, -1, 1, 1, 1)).flatten(1).std(1)
    assert 0.4 < (wrong == 0).float().mean() < 0.6
    assert 0.2 < wrong.max() < 1.2 * MOST_WRONG


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_sizes_fit_the_pipeline(config: Config) -> None:
    assert config.cut.width % 32 == config.cut.height % 32 == 0
    assert (config.cut.frames - 1) % 4 == 0
    assert config.decoder_width % 2 == 0
    assert config.prompt_tokens % 16 == 0


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_weights_fit_the_repository(config: Config) -> None:
    made = (models.video_vae, models.audio_vae, models.vocoder, models.connectors, models.transformer)
    parts = [*(make(config) for make in made), models.text_encoder(config, config.vocabulary)]
    assert 2 * sum(p.numel() for part in parts for p in part.parameters()) <= 40e6


def test_any_prompt_has_tokens() -> None:
    words = text.tokenizer(SMOKE, [cast(k) for k in range(40)])
    for prompt in ("🎈", "كرة", "a red ball", "x" * 4000):
        assert words(prompt, truncation=True, max_length=48).input_ids


def test_durations_are_read() -> None:
    assert [duration_s(t) for t in ("90s", "25m", "1.5h")] == [90, 1500, 5400]
    with pytest.raises(SystemExit, match="25m"):
        duration_s("soon")


@pytest.mark.timeout(300)
def test_a_minute_of_training_lowers_every_loss_and_makes_a_model(tmp_path: Path) -> None:
    from diffusers import LTX2Pipeline

    steps = {"video_vae": 60, "audio_vae": 30, "vocoder": 60, "decoder": 80, "words": 40, "diffusion": 60, "distil": 60}
    plan = {"data": 48, **steps}
    run = Run(SMOKE, tmp_path, torch.device("cpu"), budget_s=60, plan=plan, workers=1)
    folder = train(run)
    summaries = {stage: run.summary(stage) or {} for stage in TRAINED}
    # It goes on from where the VAE was: what counts is the picture of other clips, not a batch against the first.
    assert summaries["decoder"]["vae_db"] > summaries["video_vae"]["vae_db"]
    for stage in (stage for stage in TRAINED if stage != "decoder"):
        summary = summaries[stage]
        names = [key.removeprefix("first_") for key in summary if key.startswith("first_") and not key.endswith("_kl")]
        assert sum(summary[name] for name in names) < sum(summary[f"first_{name}"] for name in names), stage
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (folder / "README.md").exists()
    assert max(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= 16 * 2**20
    pipe = LTX2Pipeline.from_pretrained(folder, dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    call = {**manifest["call"], **manifest["qualities"]["draft"]}
    steps = call.pop("steps")
    made = pipe(
        "a red ball bounces", negative_prompt="", height=64, width=64, num_frames=9, frame_rate=8.0,
        num_inference_steps=steps, output_type="np", generator=torch.Generator().manual_seed(0), **call,
    )  # fmt: skip
    assert made.frames.shape == (1, 9, 64, 64, 3)
    assert not np.isnan(made.frames).any()
    assert torch.isfinite(made.audio).all()
    further = Run(
        SMOKE, tmp_path / "further", torch.device("cpu"), 60,
        {"decoder": 8, "diffusion": 8, "distil": 8}, start=folder, workers=1,
    )  # fmt: skip
    known = train(further)
    assert not any(str(tmp_path) in path.read_text() for path in known.rglob("*.json"))
    assert [list(stages) for stages in history(known)] == [list(TRAINED), ["decoder", "diffusion", "distil"]]
    with pytest.raises(RecipeError, match="expected a training from"):
        train(replace(further, start=None))
    with pytest.raises(RecipeError, match=r"stages\.json"):
        train(replace(further, folder=tmp_path / "other", start=tmp_path))
    manifest["files"] = {}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RecipeError, match="expected a training from"):
        train(further)
    first, again = summaries["diffusion"], further.summary("diffusion") or {}
    assert again["first_video"] < first["first_video"], "it does not start anew"
    odd = ["", "🎈🎈", "كرة حمراء", "zxq wvu", "a red blue green ball bounces and rolls left to the right", "x" * 4000]
    parts = exported(SMOKE, folder, torch.device("cpu"))
    video, audio = parts.sample(odd, Sampling(steps))
    assert torch.isfinite(video).all()
    assert torch.isfinite(parts.mels(audio)).all()
    assert parts.frames(video).std() > 1


def test_a_stage_is_finished_once_its_weights_are_kept(tmp_path: Path) -> None:
    def full() -> None:
        raise OSError("no space left")

    learner, folder = Line(), tmp_path / "line"
    with pytest.raises(OSError, match="no space"):
        Loop("line", folder, budget_s=9, seed=1, steps=40, save_s=-1).run(learner, full)
    assert not (folder / "summary.json").exists()
    kept: list[bool] = []
    Loop("line", folder, budget_s=9, seed=1, steps=40).run(learner, lambda: kept.append(True))
    assert kept == [True]
    assert json.loads((folder / "summary.json").read_text())["steps"] == 40
    assert not (folder / "checkpoint.pt").exists()


def test_a_file_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    files.save({"a": torch.ones(2)}, path)
    with pytest.raises(Exception, match="pickle"):
        files.save({"a": (lambda: None)}, path)
    assert torch.equal(torch.load(path, weights_only=True)["a"], torch.ones(2))


def test_a_folder_is_one_trainings_at_a_time(tmp_path: Path) -> None:
    with files.alone_in(tmp_path / "run"), pytest.raises(RecipeError, match="another training writes here"):
        train(Run(SMOKE, tmp_path / "run", torch.device("cpu"), 60, workers=1))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("stages.json", "{", "expected the stages"),
        ("stages.json", '{"video_vae": {}}', "expected a list"),
        ("manifest.json", "{", "expected the manifest"),
        ("manifest.json", "[]", "expected the manifest"),
    ],
)
def test_a_damaged_model_to_start_from_is_said_at_once(tmp_path: Path, name: str, text: str, said: str) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for file, whole in (("stages.json", "[]"), ("manifest.json", '{"files": {}}')):
        (model / file).write_text(text if file == name else whole)
    with pytest.raises(RecipeError, match=said):
        train(Run(SMOKE, tmp_path / "run", torch.device("cpu"), 60, start=model, workers=1))
    assert not (tmp_path / "run" / "start.txt").exists()


def test_a_folder_that_is_nobodys_training_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "latents").mkdir()
    with pytest.raises(RecipeError, match=r"no start\.txt"):
        train(Run(SMOKE, tmp_path, torch.device("cpu"), 60, workers=1))
