"""Clips and posters: who gets them, and which bytes."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import StreamingHttpResponse
from django.test import AsyncClient
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from studio.models import Take, TakeState, User
from studio.web import media
from studio.web.media import Span, UnsatisfiableError, parse_range
from tests.factories import Cast

CLIP = bytes(range(256)) * 3000
SHA = "ab" * 32

Fetch = Callable[..., Any]


@pytest.fixture
def take(cast: Cast) -> Take:
    clip = default_storage.save("takes/clip.mp4", ContentFile(CLIP))
    poster = default_storage.save("takes/poster.jpg", ContentFile(b"\xff\xd8poster"))
    return Take.objects.create(
        project=cast.project, shot=cast.shots[0], number=3, idempotency_key="k", state=TakeState.DONE,
        prompt="p", quality="draft", width=96, height=64, frames=25, seed=1,
        clip_key=clip, poster_key=poster, clip_sha256=SHA, clip_size_bytes=len(CLIP),
    )  # fmt: skip


@pytest.fixture
def fetch(cast: Cast) -> Fetch:
    """A request as the server answers it; ``body`` holds what was streamed."""

    def ask(url: str, person: User | None, method: str = "get", **headers: str) -> Any:
        client = AsyncClient()
        if person is not None:
            client.force_login(person)
        return async_to_sync(answer)(client, method, url, {name.replace("_", "-"): v for name, v in headers.items()})

    return ask


async def answer(client: AsyncClient, method: str, url: str, headers: dict[str, str]) -> Any:
    response = await getattr(client, method)(url, headers=headers)
    if response.streaming:
        response.body = b"".join([part async for part in response.streaming_content])
    else:
        response.body = response.content
    return response


def clip_of(take: Take) -> str:
    return reverse("clip", args=[take.pk])


def test_r31_a_file_that_goes_before_its_answer_begins_is_not_found(
    cast: Cast, take: Take, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = default_storage.size

    def size_and_remove(key: str) -> int:
        found = size(key)
        default_storage.delete(key)
        return found

    monkeypatch.setattr(default_storage, "size", size_and_remove)
    assert fetch(clip_of(take), cast.viewer).status_code == 404


def test_a_file_that_nobody_reads_is_closed_with_its_answer(take: Take) -> None:
    chunks = media.Chunks(default_storage.path(take.clip_key), Span(0, 9))
    StreamingHttpResponse(chunks).close()
    assert chunks._file.closed


@pytest.mark.parametrize("name", ["clip", "poster"])
def test_every_member_gets_a_clip_and_a_stranger_404(cast: Cast, take: Take, fetch: Fetch, name: str) -> None:
    url = reverse(name, args=[take.pk])
    for part, person in cast.everybody.items():
        response = fetch(url, person)
        assert response.status_code == (404 if part == "stranger" else 200), part
    assert fetch(url, None).status_code == 401


def test_strangers_404_is_that_of_a_take_that_does_not_exist(cast: Cast, take: Take, fetch: Fetch) -> None:
    unknown = clip_of(take).replace(str(take.pk), str(cast.project.pk))
    theirs, nobodys = fetch(clip_of(take), cast.stranger), fetch(unknown, cast.stranger)
    pages = [re.sub(r'value="[^"]*"', "", response.body.decode()) for response in (theirs, nobodys)]
    assert pages[0] == pages[1]


def test_a_take_that_is_not_done_has_no_clip(cast: Cast, take: Take, fetch: Fetch) -> None:
    Take.objects.update(state=TakeState.RUNNING)
    assert fetch(clip_of(take), cast.owner).status_code == 404


def test_a_clip_of_a_deleted_project_is_gone(cast: Cast, take: Take, fetch: Fetch) -> None:
    from studio.domain import projects

    projects.delete_project(cast.access("owner"))
    assert fetch(clip_of(take), cast.owner).status_code == 404


def test_a_clip_whose_file_is_lost_gets_404(cast: Cast, take: Take, fetch: Fetch) -> None:
    default_storage.delete(take.clip_key)
    assert fetch(clip_of(take), cast.owner).status_code == 404


def test_the_whole_clip_comes_with_its_length_its_mark_and_no_guessing_of_types(
    cast: Cast, take: Take, fetch: Fetch
) -> None:
    response = fetch(clip_of(take), cast.viewer)
    assert response.body == CLIP
    assert response.headers["Content-Length"] == str(len(CLIP))
    assert response.headers["Content-Type"] == "video/mp4"
    assert response.headers["ETag"] == f'"{SHA}"'
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert set(response.headers["Cache-Control"].split(", ")) == {"private", "no-cache"}
    assert "Content-Disposition" not in response.headers


def test_a_range_gets_206_and_exactly_its_bytes(cast: Cast, take: Take, fetch: Fetch) -> None:
    for asked, first, last in (
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, len(CLIP) - 1),
        ("bytes=-5", len(CLIP) - 5, len(CLIP) - 1),
        (f"bytes=700000-{10**9}", 700_000, len(CLIP) - 1),
        (f"bytes=-{10**9}", 0, len(CLIP) - 1),
    ):
        response = fetch(clip_of(take), cast.viewer, Range=asked)
        assert response.status_code == 206, asked
        assert response.headers["Content-Range"] == f"bytes {first}-{last}/{len(CLIP)}"
        assert response.body == CLIP[first : last + 1]


@pytest.mark.parametrize("asked", [f"bytes={len(CLIP)}-", "bytes=99999999-", "bytes=-0"])
def test_a_range_behind_the_end_gets_416_and_the_length(cast: Cast, take: Take, fetch: Fetch, asked: str) -> None:
    response = fetch(clip_of(take), cast.viewer, Range=asked)
    assert (response.status_code, response.headers["Content-Range"]) == (416, f"bytes */{len(CLIP)}")


@pytest.mark.parametrize(
    "asked", ["bytes=5-1", "bytes=-", "bytes=a-b", "pages=1-2", "bytes=0-1,5-6", "", f"bytes={'9' * 5000}-"]
)
def test_a_range_of_another_form_gets_all_of_it(cast: Cast, take: Take, fetch: Fetch, asked: str) -> None:
    assert fetch(clip_of(take), cast.viewer, Range=asked).status_code == 200


def test_if_range_lets_a_download_go_on_only_over_the_same_bytes(cast: Cast, take: Take, fetch: Fetch) -> None:
    same = fetch(clip_of(take), cast.viewer, Range="bytes=5-", If_Range=f'"{SHA}"')
    other = fetch(clip_of(take), cast.viewer, Range="bytes=5-", If_Range='"other"')
    assert (same.status_code, other.status_code) == (206, 200)


def test_an_unchanged_clip_is_not_sent_again(cast: Cast, take: Take, fetch: Fetch) -> None:
    response = fetch(clip_of(take), cast.viewer, If_None_Match=f'"x", "{SHA}"')
    assert (response.status_code, response.body) == (304, b"")


def test_head_tells_the_length_and_sends_nothing(cast: Cast, take: Take, fetch: Fetch) -> None:
    response = fetch(clip_of(take), cast.viewer, "head")
    assert (response.status_code, response.body) == (200, b"")
    assert response.headers["Content-Length"] == str(len(CLIP))


def test_a_download_has_a_name_that_any_file_system_takes(cast: Cast, take: Take, fetch: Fetch) -> None:
    response = fetch(f"{clip_of(take)}?download=1", cast.viewer)
    assert response.headers["Content-Disposition"] == 'attachment; filename="Harbour - Morning - take 3.mp4"'


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ('../../etc "x"\r\nSet-Cookie: a', "etc x Set-Cookie a - Morning - take 3.mp4"),
        ("...", "Morning - take 3.mp4"),
        ("Été à la mer", "Été à la mer - Morning - take 3.mp4"),
        ("x" * 500, "x" * 60 + " - Morning - take 3.mp4"),
    ],
)
def test_no_title_makes_an_unsafe_file_name(cast: Cast, take: Take, title: str, expected: str) -> None:
    take.project.title = title
    assert media.file_name(take, "mp4") == expected


def test_a_bucket_answers_with_a_short_lived_signed_address(
    cast: Cast, take: Take, fetch: Fetch, settings: Settings
) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {"bucket_name": "clips", "access_key": "key", "secret_key": "secret",
                        "endpoint_url": "https://store.example", "region_name": "eu-1"},
        },
    }  # fmt: skip
    response = fetch(f"{clip_of(take)}?download=1", cast.viewer)
    assert response.status_code == 302
    assert "X-Amz-Expires=300" in response.headers["Location"] or "Expires=" in response.headers["Location"]
    assert "Signature=" in response.headers["Location"]
    assert "secret" not in response.headers["Location"]
    assert "no-store" in response.headers["Cache-Control"]
    assert fetch(clip_of(take), cast.stranger).status_code == 404


def span_or_none(given: str, size: int) -> Span | None:
    try:
        return parse_range(given, size)
    except UnsatisfiableError:
        return None


@given(st.text(max_size=40) | st.from_regex(r"bytes=\d{0,20}-\d{0,20}", fullmatch=True), st.integers(0, 10**12))
def test_any_range_is_inside_the_file_or_no_range(given_range: str, size: int) -> None:
    span = span_or_none(given_range, size)
    assert span is None or 0 <= span.first <= span.last < size


@given(st.integers(1, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_range_within_the_file_is_itself(size: int, one: int, other: int) -> None:
    first, last = sorted((one % size, other % size))
    assert parse_range(f"bytes={first}-{last}", size) == Span(first, last)
    assert parse_range(f"bytes={first}-", size) == Span(first, size - 1)
    assert parse_range(f"bytes=-{size - first}", size) == Span(first, size - 1)
