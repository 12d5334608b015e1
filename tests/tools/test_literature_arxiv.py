"""arXiv is asked through real HTTP, politely and once; when it is away, that is what is said."""

import http.server
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandbox.errors import SourceUnreachable
from tools.literature.arxiv import Arxiv, kept_works
from tools.literature.library import Library

# The shape of a recorded answer of the arXiv API, with works made up for this test.
ENTRY = """<entry>
<id>http://arxiv.org/abs/{number}v1</id>
<updated>2025-05-02T10:00:00Z</updated><published>2025-05-01T10:00:00Z</published>
<title>{title}</title><summary>{summary}</summary>
<author><name>Ada \\input Byron</name></author><author><name>Bo Lee</name></author>
<link href="http://arxiv.org/abs/{number}v1" rel="alternate" type="text/html"/>
<category term="cs.LG" scheme="http://arxiv.org/schemas/atom"/>
</entry>"""
FEED = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">
<title type="html">ArXiv Query</title>
<opensearch:totalResults>{total}</opensearch:totalResults>
<opensearch:startIndex>0</opensearch:startIndex>
<opensearch:itemsPerPage>20</opensearch:itemsPerPage>
{entries}</feed>"""
OWLS = FEED.format(
    total=2,
    entries=ENTRY.format(
        number="2505.00001",
        title="Merging Owls\n  with $x_1$ \\write18{rm}",
        summary="Nocturnal checkpoint averaging.",
    )
    + ENTRY.format(number="1706.03762", title="Attention Is All You Need", summary="Known."),
)
EMPTY = FEED.format(total=0, entries="")


class Served(http.server.ThreadingHTTPServer):
    body: str = OWLS
    status: int = 200
    asked: list[str]


class _Answers(http.server.BaseHTTPRequestHandler):
    server: Served

    def do_GET(self) -> None:
        self.server.asked.append(urllib.parse.unquote_plus(self.path))
        body = self.server.body.encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(body: str = OWLS, status: int = 200) -> Iterator[tuple[Served, str]]:
    with Served(("127.0.0.1", 0), _Answers) as server:
        server.body, server.status, server.asked = body, status, []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server, f"http://127.0.0.1:{server.server_address[1]}/api/query"
        finally:
            server.shutdown()
            thread.join()


def source(tmp_path, url, run="run", pause_s=0.0) -> Arxiv:
    return Arxiv(tmp_path / "cache", tmp_path / run, url, pause_s=pause_s)


def test_works_come_with_abstracts_and_bibtex_that_runs_nothing(tmp_path):
    with served() as (server, url):
        found = source(tmp_path, url).find(("owl", "merging"), 20)
    assert "all:owl OR all:merging" in server.asked[0]
    owls = found[0]
    assert (owls.key, owls.year, owls.identifier) == ("byron2025merging", 2025, "arXiv:2505.00001")
    assert owls.verified.startswith("arXiv's own record, ") and owls.about.startswith("Nocturnal")
    assert "\\write" not in owls.bibtex and "\\input" not in owls.bibtex
    assert r"\$x\_1\$" in owls.bibtex


def test_a_query_is_asked_once_then_read_from_the_cache_and_from_the_run(tmp_path):
    with served() as (server, url):
        first = source(tmp_path, url).find(("owl",), 20)
        assert source(tmp_path, url, "another run").find(("owl",), 20) == first
        assert len(server.asked) == 1
    assert source(tmp_path, url).find(("owl",), 20) == first
    assert kept_works(tmp_path / "run") == first == kept_works(tmp_path / "another run")


def test_two_queries_keep_their_distance_even_from_two_processes(tmp_path):
    with served() as (server, url):
        source(tmp_path, url, pause_s=0.4).find(("owl",), 20)
        began = time.monotonic()
        source(tmp_path, url, pause_s=0.4).find(("falcon",), 20)
        assert time.monotonic() - began > 0.3
        assert len(server.asked) == 2


def test_no_server_is_unreachable_and_not_asked_again(tmp_path):
    with served() as (_, url):
        pass
    away = source(tmp_path, url)
    with pytest.raises(SourceUnreachable, match="could not be reached"):
        away.find(("owl",), 20)
    with pytest.raises(SourceUnreachable, match="not asked again"):
        away.find(("falcon",), 20)
    assert kept_works(tmp_path / "run") == []


@pytest.mark.parametrize(
    ("body", "status", "what"),
    [
        ("<html><body>Sign in to the hotel's network</body></html>", 200, "not a feed"),
        ("busy", 503, "HTTP status 503"),
        ("", 200, "not a feed"),
    ],
)
def test_an_answer_that_is_no_feed_is_no_answer(tmp_path, body, status, what):
    with served(body, status) as (_, url), pytest.raises(SourceUnreachable, match=what):
        source(tmp_path, url).find(("owl",), 20)


def test_a_feed_without_works_is_an_answer(tmp_path):
    with served(EMPTY) as (_, url):
        assert source(tmp_path, url).find(("owl",), 20) == []
        looked = Library([], sources=[source(tmp_path, url)]).look("owl")
    assert "arXiv" in looked.searched and looked.unchecked == ()


def test_a_library_takes_in_what_arxiv_finds_and_keeps_its_own_entry_of_a_known_work(tmp_path):
    with served() as (_, url):
        library = Library(Library.embedded().entries(), sources=[source(tmp_path, url)])
        looked = library.look("nocturnal owls", 3)
    assert looked.works[0].key == "byron2025merging"
    assert library.entry("byron2025merging").citable
    titles = [entry.title for entry in library.entries()]
    assert titles.count("Attention Is All You Need") == 1
    assert library.entry("vaswani2017attention").verified != "arXiv"


def test_a_library_says_which_source_was_not_reached(tmp_path):
    with served() as (_, url):
        pass
    looked = Library.embedded().entries()
    library = Library(looked, sources=[source(tmp_path, url)], closed={"Else": "it is closed"})
    found = library.look("model merging", 2)
    assert len(found.works) == 2 and found.searched == ("the embedded library",)
    assert found.unchecked[0] == "Else: it is closed"
    assert found.unchecked[1].startswith("arXiv: it could not be reached")
