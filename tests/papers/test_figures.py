import json
import re

import pytest

from papers.figures import draw, known_drawings
from papers.manuscript import Figure, Series
from papers.numbers import Numbers
from sandbox.errors import PaperError, UnbackedNumber, UnknownName
from tests.papers.sample_run import PRIMARY, sample_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return sample_run(tmp_path_factory.mktemp("figures"))


@pytest.fixture(scope="module")
def numbers(run):
    return Numbers(*run[:3])


def figures_of(manuscript):
    return [b for s in manuscript.sections for b in s.blocks if isinstance(b, Figure)]


def test_the_sample_papers_show_every_drawing(run):
    # Scatters are tested with the papers about architectures and speed, trees by themselves.
    elsewhere = {"scatter", "scatter-low", "tree"}
    assert {f.draw for f in figures_of(run[3])} | elsewhere == set(known_drawings())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["intervals", "forest", "curves", "heatmap", "bars", "paired"])
def test_a_figure_is_drawn_twice_to_the_same_bytes_and_keeps_its_data(run, numbers, name, tmp_path):
    figure = next(f for f in figures_of(run[3]) if f.draw == name)
    first, second = (draw(figure, numbers, tmp_path / folder) for folder in ("a", "b"))
    assert not first.problems
    for one, two in ((first.pdf, second.pdf), (first.svg, second.svg), (first.data, second.data)):
        assert one.read_bytes() == two.read_bytes()
    data = json.loads(first.data.read_text())
    assert len(data["curves"]) == len(figure.series)
    assert data["texts"] == list(first.texts) and first.texts
    assert all(data["sources"][e] for s in figure.series for e in s.y)


@pytest.mark.slow
def test_a_figure_fits_its_column_and_embeds_its_fonts(run, numbers, tmp_path):
    from pypdf import PdfReader

    for figure in figures_of(run[3]):
        page = PdfReader(draw(figure, numbers, tmp_path).pdf).pages[0]
        assert float(page.mediabox.width) == pytest.approx(
            72 * (6.9 if figure.wide else 3.3), abs=1
        )
        for font in page["/Resources"]["/Font"].values():
            assert font["/Subtype"] in ("/Type0", "/TrueType")


def test_effects_are_drawn_in_percentage_points(run, numbers, tmp_path):
    figure = next(f for f in figures_of(run[3]) if f.draw == "forest")
    data = json.loads(draw(figure, numbers, tmp_path).data.read_text())
    assert data["unit"] == "percentage points"
    assert data["curves"][0]["y"][0] == pytest.approx(48.325)


def test_ticks_outside_of_the_axes_are_not_listed(run, numbers, tmp_path):
    figure = next(f for f in figures_of(run[3]) if f.draw == "curves")
    drawn = draw(figure, numbers, tmp_path)
    from pypdf import PdfReader

    page = PdfReader(drawn.pdf).pages[0].extract_text()
    assert set(drawn.texts) == set(re.findall(r"\d+(?:\.\d+)?", page))


def test_labels_may_quote_configured_names(numbers, tmp_path):
    name = "{{fact:subject.roles.skill.label|text}}"
    series = (Series(label=name, x=(name,), y=(f"mean:base/{PRIMARY}/test",)),)
    data = json.loads(draw(figure_with(series=series), numbers, tmp_path).data.read_text())
    assert data["curves"][0]["x"] == ["Skill expert"] == [data["curves"][0]["label"]]


def figure_with(**changes):
    series = changes.pop("series", (Series(label="a", x=("a",), y=(f"mean:base/{PRIMARY}/test",)),))
    fields = {"label": "fig:x", "caption": "c", "draw": "bars", "x_label": "", "y_label": "",
              "alt": "a", "series": series, **changes}  # fmt: skip
    return Figure(**fields)


def test_what_cannot_be_drawn_honestly_is_refused(numbers, tmp_path):
    with pytest.raises(UnknownName, match="pie"):
        draw(figure_with(draw="pie"), numbers, tmp_path)
    with pytest.raises(UnbackedNumber):
        draw(figure_with(series=(Series(label="a", x=("a",), y=("0.95",)),)), numbers, tmp_path)
    uneven = (Series(label="a", x=("a", "b"), y=(f"mean:base/{PRIMARY}/test",)),)
    with pytest.raises(PaperError, match="another number"):
        draw(figure_with(series=uneven), numbers, tmp_path)
    mixed = (Series(label="a", x=("a", "b"), y=(f"mean:base/{PRIMARY}/test", "cost:cpu_s")),)
    with pytest.raises(PaperError, match="one unit"):
        draw(figure_with(series=mixed), numbers, tmp_path)
