"""arXiv, asked politely: one request in three seconds on this machine, every answer kept."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.errors import SourceUnreachable
from sandbox.records import short_id
from tools.atomic import write_atomically
from tools.literature.bibtex import MOST_ABSTRACT, rewritten
from tools.literature.entry import Entry, plain_title

if TYPE_CHECKING:
    import arxiv
    import requests

URL = "https://export.arxiv.org/api/query"
_PAUSE_S, _TIMEOUT_S, _FRESH_S = 3.0, 20.0, 7 * 24 * 3600.0


class _Answer(BaseModel):
    """One query's answer as it is kept. at: seconds since 1970."""

    model_config = ConfigDict(frozen=True)

    query: str
    at: float
    works: tuple[Entry, ...]


class Arxiv:
    """Works of arXiv by words.

    cache: answers of all runs, good for a week. kept: those of this run, good for ever, so that a
    resumed run asks nothing twice. After one failure it is not asked again by this process.
    """

    name = "arXiv"

    def __init__(
        self, cache: Path, kept: Path, url: str = URL, pause_s: float = _PAUSE_S, retries: int = 1
    ) -> None:
        self._cache, self._kept, self._url = cache, kept, url
        self._pause_s, self._retries = pause_s, retries
        self._failure = ""

    def find(self, words: tuple[str, ...], limit: int) -> list[Entry]:
        """The works that arXiv thinks nearest to any of the words. Raises SourceUnreachable."""
        query = " OR ".join(f"all:{word}" for word in words if re.fullmatch(r"\w+", word))
        if not query:
            return []
        name = f"{short_id([query, limit])}.json"
        answer = _recall(self._kept / name) or self._recent(name)
        if answer is None:
            answer = self._ask(query, limit)
            _remember(self._cache / name, answer)
        if not (self._kept / name).exists():
            _remember(self._kept / name, answer)
        return list(answer.works)

    def _recent(self, name: str) -> _Answer | None:
        answer = _recall(self._cache / name)
        return answer if answer and time.time() - answer.at < _FRESH_S else None

    def _ask(self, query: str, limit: int) -> _Answer:
        import arxiv
        import requests

        if self._failure:
            raise SourceUnreachable(f"not asked again, for {self._failure}", "resume the run later")
        client = _client(self._url, limit, self._pause_s, self._retries)
        try:
            with _turn(self._cache, self._pause_s):
                found = list(client.results(arxiv.Search(query, max_results=limit)))
        except (requests.RequestException, arxiv.ArxivError, ValueError) as error:
            self._failure = _said(error)
            raise SourceUnreachable(self._failure, "resume when there is a network") from error
        works = tuple(work for result in found if (work := _work(result)) is not None)
        return _Answer(query=query, at=time.time(), works=works)


def kept_works(folder: Path) -> list[Entry]:
    """Every work that a run's searches of arXiv found."""
    answers = [_recall(file) for file in sorted(folder.glob("*.json"))]
    return [work for answer in answers if answer is not None for work in answer.works]


def _client(url: str, limit: int, pause_s: float, retries: int) -> arxiv.Client:
    import arxiv

    client = arxiv.Client(page_size=limit, delay_seconds=pause_s, num_retries=retries)
    client.query_url_format = url + "?{}"
    # The package sets no time limit and takes any page for a feed without works.
    session: requests.Session = client._session
    for scheme in ("http://", "https://"):
        session.mount(scheme, _feeds_only())
    return client


def _feeds_only() -> requests.adapters.BaseAdapter:
    import requests
    from requests.adapters import HTTPAdapter

    class FeedsOnly(HTTPAdapter):
        """Waits no longer than the limit; a page that is no feed is no answer."""

        def send(
            self,
            request: requests.PreparedRequest,
            *given: Any,  # noqa: ANN401 # as the adapter has it
            **named: Any,  # noqa: ANN401
        ) -> requests.Response:
            response = super().send(request, *given, **{**named, "timeout": _TIMEOUT_S})
            if response.ok and b"http://www.w3.org/2005/Atom" not in response.content[:2000]:
                raise requests.ConnectionError("the answer is not a feed of works")
            return response

    return FeedsOnly()


@contextmanager
def _turn(cache: Path, pause_s: float) -> Iterator[None]:
    """Wait until no process of this machine has asked for so long."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "turn").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        waited = time.time() - os.fstat(handle.fileno()).st_mtime
        if (cache / "turn").stat().st_size and 0 <= waited < pause_s:
            time.sleep(pause_s - waited)
        try:
            yield
        finally:
            handle.truncate(0)
            handle.write("1")
            handle.flush()


def _work(result: arxiv.Result) -> Entry | None:
    number = re.sub(r"v\d+$", "", result.get_short_id())
    authors = tuple(" ".join(author.name.split()) for author in result.authors if author.name)
    title = " ".join(result.title.split())
    if not re.fullmatch(r"[\w.-]+(/\d+)?", number) or not authors or not plain_title(title):
        return None
    entry = Entry(
        key=_key(authors[0], result.published.year, title),
        title=title,
        authors=authors,
        year=result.published.year,
        venue="arXiv",
        identifier=f"arXiv:{number}",
        keywords=tuple(result.categories),
        verified="",
        bibtex="",
        about=" ".join(result.summary.split())[:MOST_ABSTRACT],
    )
    return rewritten(entry, f"arXiv's own record, {datetime.now(UTC):%Y-%m-%d}")


def _key(author: str, year: int, title: str) -> str:
    family = plain_title(author).split() or ["anonymous"]
    word = next((w for w in plain_title(title).split() if len(w) > 3), "work")
    return re.sub(r"[^a-z0-9]", "", f"{family[-1]}{year}{word}") or "work"


def _recall(file: Path) -> _Answer | None:
    """What is kept there; an unreadable file counts as none and is asked for anew."""
    try:
        answer = _Answer.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None
    return answer


def _remember(file: Path, answer: _Answer) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, answer.model_dump_json(indent=1) + "\n")


def _said(error: Exception) -> str:
    """The failure in a few words, without addresses of this machine's memory."""
    status = getattr(error, "status", None)
    if status is not None:
        return f"it answered with HTTP status {status}"
    words = " ".join(re.sub(r"<[^>]*>|0x[0-9a-f]+", "", str(error)).split())
    kind = type(error).__name__
    return f"it could not be reached ({kind}{': ' + words[-120:] if 'feed' in words else ''})"
