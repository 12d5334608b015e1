"""What a model writes enters a paper only when it keeps to the rules."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from agent.minds.language_model.authorship import BUILTIN, MODEL
from agent.minds.language_model.briefing import Briefing
from agent.minds.language_model.dialogue import Dialogue
from agent.minds.language_model.names import Names, letters
from agent.minds.language_model.parts import parts_of
from agent.minds.language_model.proof import Proof
from agent.minds.language_model.standby import Standby, failures
from agent.minds.language_model.telling import misstated
from agent.minds.language_model.wording import faults, heading_faults
from agent.minds.language_model.writing import Author
from agent.minds.playbook.authors.author import author_of
from agent.minds.playbook.story import Story
from agent.minds.playbook.writing import write_prose
from papers.draft import Prose, draft
from papers.manuscript import Paragraph
from papers.review.finding import Case
from sandbox.errors import BudgetSpent, EndpointRefused, EndpointUnreachable
from sandbox.ledger import Ledger
from sandbox.records import DecisionLine
from tests.agent.spoken import GIBBERISH, Speaker, part
from tests.papers.review_case import sound_case
from tools.literature.library import Library
from tools.merging.miniature import Miniature

pytestmark = pytest.mark.slow

LIBRARY = Library.embedded()
RULINGS = {"A": "supported", "B": "supported", "C": "inconclusive", "D": "refuted"}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return sound_case(tmp_path_factory.mktemp("model") / "run")


@pytest.fixture
def case(sound: Case, tmp_path: Path) -> Case:
    """The same run with a ledger of its own."""
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(sound.ledger.path.read_bytes())
    return replace(sound, ledger=Ledger(path))


def author_with(case: Case, voice: Speaker, seconds_left: float = 1e6) -> Author:
    builtin = write_prose(case.ledger, case.facts, case.plans)
    story = Story(case.ledger, case.facts, case.plans)
    paper = draft(builtin, case.ledger, case.facts, case.plans)
    names = Names(story, author_of(story), paper)
    return Author(
        Dialogue(voice),
        Standby(case.ledger),
        names,
        Briefing("Does merging compose skills?", Miniature("quick"), names, LIBRARY),
        Proof(builtin, case.ledger, case.facts, case.plans, LIBRARY),
        LIBRARY,
        lambda: seconds_left,
    )


def names_of(case: Case) -> Names:
    return author_with(case, Speaker()).names


GOOD = {
    "write-finding-A": part(
        ("Hypothesis", "{{A.hypothesis}}"),
        ("Outcome", "{{A.outcome}}"),
        "{{A.treatment}} outperforms {{A.control}} here, so the skill and the language live in "
        "directions that do not cancel. Whether they would also add in larger models is open.",
    ),
    "write-finding-D": part(
        ("Hypothesis", "{{D.hypothesis}}"),
        ("Outcome", "{{D.outcome}}"),
        "The fitness of the search asked for the primary task alone, which would explain why the "
        "rest was given up. A search that is also asked for the rest would tell.",
    ),
    "write-discussion": part(
        ("What adds", "The outcome of {{A.section}} and that of {{D.section}} pull against each "
         "other: what was asked for was composed, what was not asked for was lost in part "
         "{{citep:ilharco2023task}}."),
    ),
    "write-introduction": part(
        "Merging promises abilities without training {{citep:wortsman2022soups}}, and a promise "
        "is worth what a repeated test leaves of it. {{run.question}}",
    ),
    "write-conclusion": part(
        "We asked one question of {{run.subject}}. {{run.tally}} What remains open is named in "
        "{{C.section}}.",
    ),
    "write-abstract": part(
        "Merging promises abilities without further training. We tested it on {{run.subject}}, "
        "with {{run.trials}} trials. {{A.headline}} {{D.headline}} {{run.tally}}",
    ),
}  # fmt: skip


def test_a_good_model_writes_and_the_first_page_says_what(case: Case) -> None:
    voice = Speaker(GOOD)
    author = author_with(case, voice)
    prose = author.write()
    assert [p for p, who in prose.parts.items() if who == MODEL] == [
        "finding A", "finding D", "discussion", "introduction", "conclusion", "abstract",
    ]  # fmt: skip
    assert prose.author == "language-model and playbook"
    assert prose.authorship.startswith("A language model wrote some of the findings, the discuss")
    assert "the overview, the related work, the method, the set-up" in prose.authorship
    assert "(its reply was not usable)" in prose.authorship
    assert not re.search(r"\d", prose.authorship)
    assert not author.proof.faults(prose)
    manuscript = draft(prose, case.ledger, case.facts, case.plans)
    assert manuscript.authorship == prose.authorship
    assert manuscript.mind == prose.author


def test_names_become_the_playbooks_own_words_with_their_claims(case: Case) -> None:
    prose = author_with(case, Speaker(GOOD)).write()
    first, *_ = prose.findings.values()
    hypothesis, outcome, meaning = (p for p in first if isinstance(p, Paragraph))
    builtin = write_prose(case.ledger, case.facts, case.plans)
    of_playbook = next(iter(builtin.findings.values()))
    assert (hypothesis.text, outcome.text) == (of_playbook[0].text, of_playbook[1].text)
    assert meaning.claims == of_playbook[1].claims
    assert meaning.text.startswith("{{plan:")
    assert "|text}} outperforms {{plan:" in meaning.text


def test_gibberish_leaves_every_part_to_the_playbook_and_is_recorded(case: Case) -> None:
    prose = author_with(case, Speaker()).write()
    builtin = write_prose(case.ledger, case.facts, case.plans)
    own = ("author", "parts", "authorship")
    assert prose.model_dump(exclude={*own}) == builtin.model_dump(exclude={*own})
    assert set(prose.parts.values()) == {BUILTIN}
    assert set(failures(case.ledger).values()) == {"its reply was not usable"}
    assert "wrote no part of this text" in prose.authorship
    assert not re.search(r"\d", prose.authorship)


def test_what_papers_print_of_a_failure_quotes_nothing_of_the_model(case: Case) -> None:
    author_with(
        case, Speaker({"write": part("It reaches 99 percent, as {{ev:feedbeef}} says.")})
    ).write()
    assert all("99" not in request + why for request, why in failures(case.ledger).items())
    told = [
        line.why for line in case.ledger.lines(DecisionLine) if line.what.startswith("not used")
    ]
    assert any("'99'" in why for why in told)


BAD = {
    "digits": ("The merge reaches 78.3 in this study, which is a lot for its size.", "78.3"),
    "number words": ("It is trained twice and it takes ninety steps to come that far.", "ninety"),
    "amounts": ("The error rate shrinks tenfold, which nobody would have expected.", "tenfold"),
    "other numerals": ("It rises by ½ when the head is taken along with the rest.", "½"),
    "digits as mathematics": ("The gain in accuracy comes to $\\Delta = 0.9$ on average.", "0.9"),
    "digits as code": ("The merge has an accuracy of {{code:99.9}} on test items.", "code:99.9"),
    "invented evidence": ("Its mean accuracy is {{ev:0123456789ab|.3f}} over pairs.", "ev:0123"),
    "real evidence": ("Its mean accuracy is {{mean:evolve/largest.ko/test|.3f}}.", "is not a name"),
    "any label": ("The reader finds all of this in {{ref:tab:main}} and beyond.", "ref:tab:main"),
    "invented citation": ("This was known before {{citep:sutskever2031agi}}.", "sutskever2031"),
    "latex": ("The result \\input{/etc/passwd} shows what there is to be seen.", "markup"),
    "latex as mathematics": ("The result $\\input{/etc/passwd}$ shows what is there.", "input"),
    "markdown": ("**Important**: nothing of this has been seen by anybody else.", "markup"),
    "control characters": ("The result is clear\x1b[31m and it is red all over it.", "U+001B"),
    "hidden direction": ("The result is clear \u202eand it is reversed for readers.", "U+202E"),
    "open braces": ("The result of the merge is {{A.effect and no closing brace.", "not closed"),
    "a sentence within": ("It follows that {{A.outcome}} and so on, as one sees.", "of its own"),
    "emptiness": ("TODO", "characters"),
    "unbacked deeds": ("We also trained a model on the whole of the web for this.", "rests on"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BAD)
def test_a_paragraph_may_not_hold(case: Case, fault: str) -> None:
    text, said = BAD[fault]
    assert any(said in why for why in faults(text, names_of(case), LIBRARY)), fault


def test_an_invented_citation_is_refused_with_the_nearest_real_ones(case: Case) -> None:
    [why] = faults("This was known before {{citep:ilharco2022task}}.", names_of(case), LIBRARY)
    assert "ilharco2023task" in why


def test_a_heading_holds_plain_words() -> None:
    assert not list(heading_faults("What adds"))
    for bad in ("Up 12 points", "$x$", "{{A.effect}}", "\\bf Loud", "So much " * 12):
        assert list(heading_faults(bad)), bad


TOLD = {
    "{{D.treatment}} is better than {{D.control}}.": "D, which is refuted",
    "{{C.treatment}} outperforms {{C.control}}.": "C, which is inconclusive",
    "{{A.control}} outperforms {{A.treatment}}.": "the wrong way round",
    "{{A.treatment}} is beaten by {{A.control}}.": "the wrong way round",
    "{{A.treatment}} is worse than {{A.control}}.": "the wrong way round",
    "The evolved merge is clearly better.": "say of which hypothesis",
    "The hypothesis of {{D.section}} is supported.": "it is refuted",
    "The hypothesis of {{A.section}} is not supported.": "it is supported",
    "Our main hypothesis is confirmed.": "say of which hypothesis",
    "As {{A.section}} and {{D.section}} show, the treatment is better.": "D, which is refuted",
}


@pytest.mark.parametrize("sentence", TOLD)
def test_a_finding_is_told_as_it_was_ruled(case: Case, sentence: str) -> None:
    assert any(TOLD[sentence] in why for why in misstated(sentence, names_of(case)))


@pytest.mark.parametrize(
    "sentence",
    [
        "{{A.treatment}} outperforms {{A.control}}.",
        "{{A.control}} is outperformed by {{A.treatment}}.",
        "{{A.control}} is worse than {{A.treatment}}.",
        "The hypothesis of {{D.section}} is refuted, that of the other section is open.",
        "Whether {{C.treatment}} is better than {{C.control}} is left open.",
        "Guided search should outperform chance.",
        "{{cite:ilharco2023task}} improve on averaging.",
        "{{A.outcome}} So much for that.",
    ],
)
def test_a_finding_may_be_told_so(case: Case, sentence: str) -> None:
    assert not list(misstated(sentence, names_of(case)))


def test_the_sample_is_ruled_as_these_tests_take_it(case: Case) -> None:
    rulings = {k: f.ruling for k, f in names_of(case).findings.items()}
    assert rulings == RULINGS
    assert [letters(at) for at in (0, 25, 26, 27)] == ["A", "Z", "AA", "AB"]


def test_a_refused_part_is_mended_in_one_turn_that_names_the_faults(case: Case) -> None:
    bad = part("Merging promises abilities, by {{ev:feedbeef}} in all 12 of them. {{run.question}}")
    voice = Speaker(
        {"write-introduction": bad, "write-introduction-mend": GOOD["write-introduction"]}
    )
    prose = author_with(case, voice).write()
    assert prose.parts["introduction"] == MODEL
    told = voice.told("write-introduction-mend")
    assert "'12' is a number" in told
    assert "{{ev:feedbeef}} is not a name" in told


def test_a_part_that_stays_bad_is_the_playbooks(case: Case) -> None:
    worse = part("{{D.treatment}} is better than {{D.control}} in every respect, by far.")
    voice = Speaker({"write-discussion": worse, "write-discussion-mend": worse})
    prose = author_with(case, voice).write()
    assert prose.parts["discussion"] == BUILTIN
    assert prose.discussion == write_prose(case.ledger, case.facts, case.plans).discussion
    assert voice.keys.count("write-discussion-mend") == 1


def test_a_part_must_hold_what_it_is_about(case: Case) -> None:
    silent = part("What adds, adds; what does not add, does not. There is no more to be said.")
    voice = Speaker({"write-finding": silent, "write-abstract": silent, "write": silent})
    author_with(case, voice).write()
    assert "{{D.outcome}} is missing" in voice.told("write-finding-D-mend")
    assert "{{run.tally}} is missing" in voice.told("write-abstract-mend")


def test_what_only_the_review_would_find_is_found_before(case: Case) -> None:
    first = part("It is a novel and unprecedented idea to merge models by arithmetic on weights.")
    thin = part("Some works are related to this study {{citep:ilharco2023task}}, and others not.")
    voice = Speaker({"write-introduction": first, "write-related": thin})
    author_with(case, voice).write()
    assert "'novel' cannot be known" in voice.told("write-introduction-mend")
    assert "works cited" in voice.told("write-related-work-mend")


def test_a_model_that_is_gone_is_not_asked_again(case: Case) -> None:
    voice = Speaker({"write": EndpointRefused("no", "no")})
    author = author_with(case, voice)
    prose = author.write()
    assert len(voice.heard) == 1
    assert set(failures(case.ledger).values()) == {"its server refused to answer"}
    assert "its server refused to answer" in prose.authorship


def test_a_server_that_is_twice_away_is_not_waited_for_again(case: Case) -> None:
    away = EndpointUnreachable("nobody is there", "start it")
    voice = Speaker({"write-finding-A": away, "write-finding-B": GIBBERISH, "write": away})
    author = author_with(case, voice)
    author.write()
    asked = [key for key in voice.keys if "repair" not in key]
    assert asked == ["write-finding-A", "write-finding-B", "write-finding-C", "write-finding-D"]
    assert author.standby.gone == "its server did not answer"


def test_no_part_is_asked_for_when_the_time_is_over(case: Case) -> None:
    voice = Speaker(GOOD)
    prose = author_with(case, voice, seconds_left=0.0).write()
    assert not voice.heard
    assert "its share of the budget was spent" in prose.authorship


def test_a_spent_budget_ends_the_models_part(case: Case) -> None:
    voice = Speaker({**GOOD, "write-discussion": BudgetSpent("tokens", "more")})
    prose = author_with(case, voice).write()
    assert prose.parts["finding D"] == MODEL
    assert prose.parts["abstract"] == BUILTIN


def revised(case: Case, found: dict[str, list[str]], *more: object) -> tuple[Prose, Prose, Speaker]:
    voice = Speaker(GOOD)
    author = author_with(case, voice)
    prose = author.write()
    voice.replies |= dict(more)
    return prose, author.revise(1, prose, found), voice


def test_only_the_models_parts_with_findings_are_asked_for_again(case: Case) -> None:
    found = {"sec:discussion": ["too bold"], "sec:related": ["too thin"], "sec:method": ["odd"]}
    calmer = part("The outcome of {{A.section}} asks for a repetition before anybody relies on it.")
    before, after, voice = revised(case, found, ("revise-1-discussion", calmer))
    assert before.discussion != after.discussion
    assert "asks for a repetition" in after.discussion[0].text
    assert after.model_copy(update={"discussion": before.discussion}) == before
    assert [k for k in voice.keys if k.startswith("revise")] == ["revise-1-discussion"]
    assert "too bold" in voice.told("revise-1-discussion")


def test_a_revision_that_breaks_the_rules_changes_nothing(case: Case) -> None:
    worse = part("In all 12 cases {{D.treatment}} is better than {{D.control}}, as we showed.")
    before, after, _ = revised(
        case, {"sec:discussion": ["too bold"]}, ("revise-1-discussion", worse)
    )
    assert before == after


def test_prompts_hold_no_ids_and_no_values_of_this_run(case: Case) -> None:
    voice = Speaker(GOOD)
    author_with(case, voice).write()
    story = Story(case.ledger, case.facts, case.plans)
    ids = {f.comparison.id for f in story.findings if f.comparison}
    ids |= {f.hypothesis.id for f in story.findings} | set(case.plans)
    for ask in voice.heard:
        said = "".join(m.content for m in ask.messages if m.speaker != "assistant")
        assert not [id for id in ids if id in said], ask.key
        assert str(case.facts["id"]) not in said


def test_every_part_has_a_prompt_and_a_place_in_the_paper(case: Case) -> None:
    names = names_of(case)
    labels = {s.label for s in names.paper.sections} | {"abstract"}
    for one in parts_of(names):
        assert one.label in labels
        assert set(one.needs) <= set(names.known)
