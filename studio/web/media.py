"""Clips and posters: who may have them, and which bytes (RFC 9110 §13 and §14).

Files of the local folder are streamed here in chunks; a bucket's are answered with a short-lived signed address.
"""

import asyncio
import hashlib
import re
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from uuid import UUID

from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.utils.cache import patch_cache_control
from django.utils.http import content_disposition_header, parse_etags
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from studio.domain import access
from studio.domain.errors import not_found
from studio.models import Take, TakeState
from studio.web.guards import person, signed_in_or_401

CHUNK_BYTES = 256 * 1024
SIGNED_FOR_S = 300
_RANGE = re.compile(r"bytes=[ \t]*(\d*)-(\d*)[ \t]*", re.ASCII | re.IGNORECASE)
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
_MAX_DIGITS = 18
"""Longer numbers than a 64-bit size has are no range."""


class UnsatisfiableError(Exception):
    """The range begins behind the end."""


@dataclass(frozen=True)
class Span:
    """Bytes ``first`` to ``last``, both included, as Content-Range counts."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True)
class Item:
    """One stored thing as it is served."""

    key: str
    content_type: str
    etag: str
    file_name: str


@require_safe
@signed_in_or_401
def clip(request: HttpRequest, take_id: UUID) -> HttpResponseBase:
    """A take's film, for whoever may read its project."""
    take = _take(request, take_id)
    return _answer(request, Item(take.clip_key, "video/mp4", f'"{take.clip_sha256}"', file_name(take, "mp4")))


@require_safe
@signed_in_or_401
def poster(request: HttpRequest, take_id: UUID) -> HttpResponseBase:
    """A take's still, for whoever may read its project."""
    take = _take(request, take_id)
    etag = hashlib.sha256(f"{take.poster_key} {take.clip_sha256}".encode()).hexdigest()
    return _answer(request, Item(take.poster_key, "image/jpeg", f'"{etag}"', file_name(take, "jpg")))


def _take(request: HttpRequest, take_id: UUID) -> Take:
    take = Take.objects.select_related("shot", "project").filter(pk=take_id, state=TakeState.DONE).first()
    if take is None:
        raise not_found()
    access.enter(person(request), take.project_id)
    return take


def file_name(take: Take, extension: str) -> str:
    """A name that any file system takes: ``Harbour - Dawn - take 3.mp4``."""
    words = [take.project.title, take.shot.title, _("take %(number)d") % {"number": take.number}]
    clean = [" ".join(_UNSAFE.sub(" ", unicodedata.normalize("NFC", word)).split())[:60].strip(" .") for word in words]
    return f"{' - '.join(word for word in clean if word)}.{extension}"


def _answer(request: HttpRequest, item: Item) -> HttpResponseBase:
    download = "download" in request.GET
    try:
        path = default_storage.path(item.key)
    except NotImplementedError:
        return _signed(item, download=download)
    try:
        response = _respond(request, item, path, default_storage.size(item.key))
    except FileNotFoundError as error:
        raise not_found() from error
    response["ETag"], response["Accept-Ranges"] = item.etag, "bytes"
    response["X-Content-Type-Options"] = "nosniff"
    if download:
        response["Content-Disposition"] = content_disposition_header(True, item.file_name) or "attachment"
    # no-cache: kept by the browser, asked for each time, so that a lost right counts at once.
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _respond(request: HttpRequest, item: Item, path: str, size: int) -> HttpResponseBase:
    if item.etag in parse_etags(request.headers.get("If-None-Match", "")):
        return HttpResponse(status=HTTPStatus.NOT_MODIFIED)
    try:
        span = wanted_span(request, item.etag, size)
    except UnsatisfiableError:
        return HttpResponse(
            status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers={"Content-Range": f"bytes */{size}"}
        )
    whole = span is None
    part = Span(0, size - 1) if span is None else span
    headers = {"Content-Length": str(part.length)}
    if not whole:
        headers["Content-Range"] = f"bytes {part.first}-{part.last}/{size}"
    status = HTTPStatus.OK if whole else HTTPStatus.PARTIAL_CONTENT
    if request.method == "HEAD":
        return HttpResponse(status=status, content_type=item.content_type, headers=headers)
    # Opened here: once an answer has begun there is no saying that its file cannot be read.
    return StreamingHttpResponse(Chunks(path, part), status=status, content_type=item.content_type, headers=headers)


def wanted_span(request: HttpRequest, etag: str, size: int) -> Span | None:
    """The span that a request asks for; None for all of it.

    A Range under an If-Range that names other bytes does not count; nor on HEAD, nor one of several spans.

    Raises:
        UnsatisfiableError: it begins behind the end.
    """
    given, condition = request.headers.get("Range"), request.headers.get("If-Range")
    if given is None or request.method != "GET" or (condition is not None and condition != etag):
        return None
    return parse_range(given, size)


def parse_range(given: str, size: int) -> Span | None:
    """``bytes=a-b``, ``bytes=a-`` or ``bytes=-n`` within ``size`` bytes; None for a form that is not one of these.

    Raises:
        UnsatisfiableError: well-formed, but none of its bytes exists.
    """
    match = _RANGE.fullmatch(given)
    if match is None or not any(match.groups()) or max(map(len, match.groups())) > _MAX_DIGITS:
        return None
    first, last = match.groups()
    if not first:
        return _span(max(size - int(last), 0), size - 1, size)
    if last and int(last) < int(first):
        return None
    return _span(int(first), min(int(last), size - 1) if last else size - 1, size)


def _span(first: int, last: int, size: int) -> Span:
    if first >= size:
        raise UnsatisfiableError
    return Span(first, last)


class Chunks:
    """A span of a file, open from now on, piece by piece. The answer closes it, also where nobody read it.

    Raises:
        OSError: the file cannot be read, or has become shorter; its reader must not wait for the rest.
    """

    def __init__(self, path: str, span: Span) -> None:
        self._file, self._span = Path(path).open("rb"), span  # noqa: SIM115 - by close
        self.close = self._file.close

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._span.length
        with self._file:
            await asyncio.to_thread(self._file.seek, self._span.first)
            while left > 0 and (data := await asyncio.to_thread(self._file.read, min(CHUNK_BYTES, left))):
                left -= len(data)
                yield data
        if left > 0:
            raise OSError(f"expected {left} bytes more of a file")


def _signed(item: Item, *, download: bool) -> HttpResponseRedirect:
    parameters = {"ResponseContentType": item.content_type}
    if download:
        parameters["ResponseContentDisposition"] = content_disposition_header(True, item.file_name) or "attachment"
    # Only the S3 storage gets here; its url takes more than the base class promises.
    address = default_storage.url(item.key, parameters=parameters, expire=SIGNED_FOR_S)  # type: ignore[call-arg]
    response = HttpResponseRedirect(address)
    patch_cache_control(response, private=True, no_store=True)
    return response
