"""The whole service on the shipped model: what comes out, and every way of not starting."""

import io
import queue
from typing import Any

import av
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save

from inference.errors import ModelError
from inference.wire import Cancelled, Failed, Finished, PreviewPacket, Report, Started, Stepped
from inference.worker import Renderer
from tests.unit.inference.conftest import CopyModel, Render, replace, weights_of
from tests.unit.inference.fakes import DEADLINE_S, make_job, until_end


def test_r1_a_take_is_reported_from_start_to_clip(finished: list[Report]) -> None:
    assert finished[0] == Started("a red boat sails to the right at night", 0, 8)
    assert [report.step for report in finished if isinstance(report, Stepped)] == list(range(1, 9))
    last = finished[-1]
    assert isinstance(last, Finished)
    assert (last.width, last.height, last.frames, last.rate_hz, last.sample_rate_hz) == (96, 64, 25, 8, 16000)
    assert (last.model, last.model_prompt) == ("Rushes Tiny 0.4", "a red boat sails to the right at night")


def test_r11_previews_cover_the_whole_clip(finished: list[Report]) -> None:
    packets = [
        PreviewPacket.decode(report.packet) for report in finished if isinstance(report, Stepped) and report.packet
    ]
    assert len(packets) >= 3
    assert (packets[0].step, packets[1].step, packets[-1].step) == (1, 2, 8)
    for packet in packets:
        indices = [index for index, _ in packet.frames]
        assert (len(indices), indices[0], indices[-1]) == (12, 0, 24)
        assert (packet.width, packet.height, packet.clip_frames) == (96, 64, 25)


def decoded(last: Report) -> tuple[Any, Any]:
    assert isinstance(last, Finished)
    with av.open(io.BytesIO(last.clip), format="mp4") as container:
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    with av.open(io.BytesIO(last.clip), format="mp4") as container:
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    return frames, sound


def test_r12_a_clip_has_pictures_and_sound(finished: list[Report]) -> None:
    frames, sound = decoded(finished[-1])
    assert frames.shape == (25, 64, 96, 3)
    assert frames.std() > 10  # a picture, not one colour
    assert float(np.sqrt((sound**2).mean())) > 0.01  # the waves are heard
    assert isinstance(finished[-1], Finished)
    assert max(finished[-1].waveform) > 20


@pytest.mark.parametrize("offer", [{"frames": 33}, {"width": 64}, {"width": 128}, {"quality": "final"}])
def test_all_that_is_on_offer_renders(render: Render, offer: dict[str, Any]) -> None:
    job = make_job("a yellow car drives to the left", **offer)
    frames, sound = decoded(render(job)[-1])
    assert frames.shape == (job.frames, job.height, job.width, 3)
    assert float(np.sqrt((sound**2).mean())) > 0.01


def test_r16_controls_reach_the_model(render: Render) -> None:
    day, night = (render(make_job("a red ball bounces", style=style)) for style in ("day", "night"))
    assert night[0] == Started("a red ball bounces, at night", 0, 4)
    assert decoded(day[-1])[0].mean() > 2 * decoded(night[-1])[0].mean()


def test_takes_of_many_rooms_run_at_once(renderer: Renderer) -> None:
    inboxes: list[queue.SimpleQueue[Report]] = [queue.SimpleQueue() for _ in range(4)]
    for seed, inbox in enumerate(inboxes):
        renderer.submit(make_job(seed=seed, frames=(25, 33)[seed % 2]), inbox.put)
    for inbox in inboxes:
        assert isinstance(until_end(inbox)[-1], Finished)


def test_r5_a_cancelled_take_stops_and_the_next_renders(renderer: Renderer, render: Render) -> None:
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    job = make_job(quality="final")
    renderer.submit(job, reports.put)
    assert isinstance(reports.get(timeout=DEADLINE_S), Started)
    renderer.cancel(job.take_id)
    seen = until_end(reports)
    assert seen[-1] == Cancelled()
    assert len(seen) < 8
    assert isinstance(render(make_job())[-1], Finished)


def test_r6_a_deadline_ends_a_take(render: Render) -> None:
    last = render(make_job(quality="final", deadline_s=0.05))[-1]
    assert isinstance(last, Failed)
    assert last.code == "render.deadline"


def test_r14_bad_input_is_reported_not_raised(render: Render) -> None:
    last = render(make_job(width=640))[-1]
    assert isinstance(last, Failed)
    assert last.message == "size: expected one of 96x64, 64x64, 128x64, got 640x64"


def damage(folder: Any, part: str, change: Any) -> None:
    path = weights_of(folder, part)
    tensors = load_file(path)
    name = next(name for name, tensor in tensors.items() if tensor.ndim > 1)
    change(tensors, name)
    replace(path, save(tensors))


def to_nan(tensors: dict[str, torch.Tensor], name: str) -> None:
    tensors[name] = torch.full_like(tensors[name], float("nan"))


def to_nothing(tensors: dict[str, torch.Tensor], name: str) -> None:
    del tensors[name]


@pytest.mark.parametrize("part", ["transformer", "vae", "vocoder"])
def test_r13_weights_of_nan_are_found_at_load(copy_model: CopyModel, part: str) -> None:
    folder = copy_model(griffin_lim=None)
    damage(folder, part, to_nan)
    with pytest.raises(ModelError, match="NaN") as refused:
        Renderer(str(folder), "cpu")
    assert refused.value.code == "model.broken"


def test_r13_weights_that_lack_a_tensor_are_broken(copy_model: CopyModel) -> None:
    folder = copy_model()
    damage(folder, "transformer", to_nothing)
    with pytest.raises(ModelError) as refused:
        Renderer(str(folder), "cpu")
    assert refused.value.code == "model.broken"


def test_r13_a_part_that_is_missing_is_broken(copy_model: CopyModel) -> None:
    folder = copy_model()
    weights_of(folder, "vae").unlink()
    with pytest.raises(ModelError, match="cannot be loaded") as refused:
        Renderer(str(folder), "cpu")
    assert refused.value.code == "model.broken"


def test_r15_a_call_that_the_family_does_not_know_is_refused(copy_model: CopyModel) -> None:
    with pytest.raises(ModelError, match=r"qualities\.draft: warp_speed: unknown") as refused:
        Renderer(str(copy_model(call={"warp_speed": 9})), "cpu")
    assert refused.value.code == "model.bad_manifest"
