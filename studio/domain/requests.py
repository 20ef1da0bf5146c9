"""A request for a take, and what is wrong with one."""

from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext

from inference.wire import PROMPT_LIMIT, SEED_LIMIT
from studio.domain import texts
from studio.domain.errors import DomainError, Kind
from studio.domain.offers import Choice, Offer, Size
from studio.models import Quality

KEY_LIMIT = 80


@dataclass(frozen=True)
class TakeRequest:
    """What somebody asks for. ``seed`` None: draw one. A second request with the same ``key`` is the first one."""

    shot_id: UUID
    key: str
    prompt: str
    quality: str
    style: str
    light: str
    pace: str
    size: str
    frames: int
    seed: int | None


def check_key(key: str) -> None:
    """Raises DomainError for a key that cannot be kept or is too short to be one of a kind."""
    texts.readable(key, field="key")
    if not 8 <= len(key) <= KEY_LIMIT:
        raise DomainError(
            "key.invalid",
            gettext("Expected a key of 8 to %(limit)d characters, got %(given)d.")
            % {"limit": KEY_LIMIT, "given": len(key)},
            field="key",
        )


def check(request: TakeRequest, offer: Offer) -> Size:
    """Hold a request against the offer, all but its key; the size that it names.

    Raises:
        DomainError: the first thing that cannot be done, with what was expected and what was given.
    """
    if not offer.sizes:
        raise DomainError(
            "offer.unknown",
            gettext("No worker has told yet what its model can do; ask again once one runs."),
            kind=Kind.UNAVAILABLE,
        )
    _check_prompt(request.prompt)
    _check_one_of("quality", request.quality, [quality.value for quality in Quality if quality in offer.steps])
    _check_choice("style", request.style, offer.styles)
    _check_choice("light", request.light, offer.lights)
    _check_choice("pace", request.pace, offer.paces)
    _check_one_of("size", request.size, [size.id for size in offer.sizes])
    _check_frames(request.frames, offer)
    _check_seed(request.seed)
    return next(size for size in offer.sizes if size.id == request.size)


def _check_prompt(prompt: str) -> None:
    texts.readable(prompt, field="prompt")
    if not prompt.strip():
        raise DomainError(
            "prompt.empty",
            gettext("The prompt is empty: write what the shot shows, up to %(limit)d characters.")
            % {"limit": PROMPT_LIMIT},
            field="prompt",
        )
    if len(prompt) > PROMPT_LIMIT:
        raise DomainError(
            "prompt.too_long",
            gettext("Expected a prompt of at most %(limit)d characters, got %(given)d.")
            % {"limit": PROMPT_LIMIT, "given": len(prompt)},
            field="prompt",
        )


def _check_choice(field: str, given: str, choices: tuple[Choice, ...]) -> None:
    if given:
        _check_one_of(field, given, [choice.id for choice in choices])


def _check_one_of(field: str, given: str, expected: list[str]) -> None:
    if given not in expected:
        raise DomainError(
            f"{field}.unknown",
            gettext("Expected for %(field)s one of: %(expected)s; got “%(given)s”.")
            % {"field": field, "expected": ", ".join(expected) or "—", "given": given[:80]},
            field=field,
        )


def _check_frames(frames: int, offer: Offer) -> None:
    if frames not in offer.lengths:
        expected = ", ".join(f"{length} ({length / offer.rate_hz:.1f} s)" for length in offer.lengths)
        raise DomainError(
            "frames.unknown",
            gettext("Expected a length in frames out of: %(expected)s; got %(given)d.")
            % {"expected": expected, "given": frames},
            field="frames",
        )


def _check_seed(seed: int | None) -> None:
    if seed is not None and not 0 <= seed <= SEED_LIMIT:
        raise DomainError(
            "seed.invalid",
            gettext("Expected a seed from 0 to %(limit)d, got %(given)s.")
            % {"limit": SEED_LIMIT, "given": str(seed)[:40]},
            field="seed",
        )
