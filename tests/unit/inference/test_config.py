"""Where the model runs: decided from facts."""

import pytest

from inference.config import Machine, decide, downloads_allowed
from inference.errors import ModelError

GIB = 2**30
H200 = Machine(16, "NVIDIA H200", 139 * GIB)


def test_r13_a_cpu_runs_float32_on_half_the_cores() -> None:
    plan = decide("auto", Machine(2), 5_000_000)
    assert (plan.device, plan.dtype, plan.offload, plan.threads) == ("cpu", "float32", False, 1)
    assert plan.words == "CPU, 1 of 2 cores, float32"


def test_a_big_cpu_leaves_cores_to_others() -> None:
    assert decide("cpu", Machine(128, "NVIDIA H200", GIB), 1).threads == 8


def test_r13_a_gpu_runs_bfloat16() -> None:
    plan = decide("auto", H200, 19_000_000_000)
    assert (plan.device, plan.dtype, plan.offload) == ("cuda", "bfloat16", False)


def test_r13_a_model_that_does_not_fit_is_offloaded() -> None:
    plan = decide("cuda", Machine(16, "RTX 4090", 24 * GIB), 19_000_000_000)
    assert plan.offload
    assert plan.words == "RTX 4090, bfloat16, model offload"


@pytest.mark.parametrize(("device", "message"), [("cuda", "found none"), ("tpu", "expected one of auto, cpu, cuda")])
def test_r13_a_device_that_is_not_there_is_refused(device: str, message: str) -> None:
    with pytest.raises(ModelError, match=message) as refused:
        decide(device, Machine(2), 1)
    assert refused.value.code == "model.no_device"


@pytest.mark.parametrize(("value", "allowed"), [("", False), ("off", False), ("on", True), (" ON ", True)])
def test_r13_downloads_are_off_unless_switched_on(monkeypatch: pytest.MonkeyPatch, value: str, allowed: bool) -> None:
    monkeypatch.setenv("RUSHES_ALLOW_DOWNLOAD", value)
    assert downloads_allowed() is allowed
