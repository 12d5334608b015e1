"""Mend what a review found, where a mechanical mend exists. Evidence and tests stay as they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from papers.claim import sentences
from papers.manuscript import Block, Figure, Items, Manuscript, Paragraph, Section, Table
from papers.prose import citations
from papers.review.finding import Finding, Mend, Round

MOST_ROUNDS = 3
EMPTIED = (
    "Review struck what was written here; the outcome of the test stands in {{ref:tab:verdicts}}."
)


def revise(manuscript: Manuscript, findings: Iterable[Finding]) -> Manuscript:
    """The manuscript with every mechanical mend applied.

    Places are those of the manuscript that was reviewed; a finding without a mend changes nothing.
    A section that a mend would leave empty says so.
    """
    mends = [finding.mend for finding in findings if finding.mend.action]
    abstract = _blocks("abstract", manuscript.abstract, mends)
    sections = tuple(
        _filled(section, _blocks(section.label, section.blocks, mends), manuscript)
        for section in manuscript.sections
    )
    paragraphs = tuple(block for block in abstract if isinstance(block, Paragraph))
    revised = manuscript.model_copy(update={"abstract": paragraphs, "sections": sections})
    for key in sorted({mend.old for mend in mends if mend.action == "drop-key"}):
        revised = _without_key(revised, key)
    return revised.model_copy(update={"bibliography": _bibliography(revised)})


def stop(rounds: Sequence[Round], budget_left: bool = True) -> str:
    """Why no further round is worth it, or "" to go on.

    Nothing blocks and no major finding is new; or the rounds are used up; or a finding survived two
    revisions; or a revision changed nothing; or the budget is spent. Never a score. What a model
    advises after the first round is worth one revision, and no more: it words it anew every time.
    """
    if not rounds:
        return ""
    last = rounds[-1]
    earlier = {finding.id for review in rounds[:-1] for finding in review.findings}
    new = [f for f in last.findings if f.severity == "major" and f.id not in earlier]
    advised = len(rounds) == 1 and last.opinion.asks
    if not last.blocked and not new and not advised:
        return "nothing blocks and no major finding is new"
    if not budget_left:
        return "the budget is spent"
    if len(rounds) >= MOST_ROUNDS:
        return f"{MOST_ROUNDS} rounds are done"
    if len(rounds) > 1 and _ids(rounds[-2]) == _ids(last):
        return "the last revision changed no finding; a reader must decide"
    survivors = set.intersection(*(_ids(review) for review in rounds[-3:]))
    if len(rounds) >= 3 and survivors:
        return "the same finding survived two revisions; a reader must decide"
    return ""


def _ids(review: Round) -> set[str]:
    return {finding.id for finding in review.findings if finding.severity != "minor"}


def _blocks(section: str, blocks: Sequence[Block], mends: Sequence[Mend]) -> tuple[Block, ...]:
    kept: list[Block] = []
    own = [mend for mend in mends if mend.section == section]
    for at, block in enumerate(blocks):
        here = [mend for mend in own if mend.block == at]
        if any(mend.action == "drop-block" for mend in here):
            continue
        mended = block
        for mend in here:
            mended = _mended(mended, mend)
        if not _is_empty(mended):
            kept.append(mended)
    added = dict.fromkeys(mend.new for mend in own if mend.action == "add-paragraph")
    kept.extend(Paragraph(text=text) for text in added)
    return tuple(kept)


def _mended(block: Block, mend: Mend) -> Block:
    if mend.action == "set-bold" and isinstance(block, Table):
        return block.model_copy(update={"bold": mend.cells})
    if mend.action == "replace-text":
        return _rewritten(block, lambda text: text.replace(mend.old, mend.new))
    if mend.action == "drop-sentence":
        return _rewritten(block, lambda text: _without_sentence(text, mend.old))
    return block


def _rewritten(block: Block, change: Callable[[str], str]) -> Block:
    """The block with every text of it changed."""
    if isinstance(block, Paragraph):
        return block.model_copy(update={"text": change(block.text)})
    if isinstance(block, Items):
        return block.model_copy(update={"items": tuple(t for i in block.items if (t := change(i)))})
    if isinstance(block, Figure):
        return block.model_copy(update={"caption": change(block.caption)})
    if isinstance(block, Table):
        rows = tuple(tuple(change(cell) for cell in row) for row in block.rows)
        update = {"caption": change(block.caption), "notes": change(block.notes), "rows": rows}
        return block.model_copy(update=update)
    return block


def _without_sentence(text: str, old: str) -> str:
    """Drop the sentences that hold `old`; it may begin with the paragraph's run-in heading."""
    return " ".join(s for s in sentences(text) if old not in s and not old.endswith(f". {s}"))


def _texts(block: Block) -> list[str]:
    texts: list[str] = []

    def note(text: str) -> str:
        texts.append(text)
        return text

    _rewritten(block, note)
    return texts


def _is_empty(block: Block) -> bool:
    if isinstance(block, Paragraph):
        return not block.text.strip()
    return isinstance(block, Items) and not block.items


def _filled(section: Section, blocks: tuple[Block, ...], manuscript: Manuscript) -> Section:
    if not blocks and section.blocks:
        labels = {b.label for s in manuscript.sections for b in s.blocks if isinstance(b, Table)}
        if "tab:verdicts" in labels:
            blocks = (Paragraph(text=EMPTIED),)
    return section.model_copy(update={"blocks": blocks})


def _without_key(manuscript: Manuscript, key: str) -> Manuscript:
    def change(text: str) -> str:
        return _uncite(text, key)

    def changed(blocks: Iterable[Block]) -> tuple[Block, ...]:
        return tuple(b for b in (_rewritten(block, change) for block in blocks) if not _is_empty(b))

    sections = tuple(
        _filled(section, changed(section.blocks), manuscript) for section in manuscript.sections
    )
    abstract = tuple(b for b in changed(manuscript.abstract) if isinstance(b, Paragraph))
    return manuscript.model_copy(update={"abstract": abstract, "sections": sections})


def _uncite(text: str, key: str) -> str:
    """Take the key out of citations. A sentence whose subject was this work alone goes with it."""
    for match in list(re.finditer(r"\s*\{\{\s*(citep?):([^{}]*)\}\}", text)):
        keys = [part.strip() for part in match.group(2).split(",")]
        if key not in keys:
            continue
        rest = ",".join(other for other in keys if other != key)
        if rest:
            lead = match.group(0)[: match.group(0).index("{{")]
            text = text.replace(match.group(0), f"{lead}{{{{{match.group(1)}:{rest}}}}}")
        elif match.group(1) == "citep":
            text = text.replace(match.group(0), "")
        else:
            text = _without_sentence(text, match.group(0).strip())
    return text


def _bibliography(manuscript: Manuscript) -> tuple[str, ...]:
    """Keys that are still cited, in their order."""
    texts = [paragraph.text for paragraph in manuscript.abstract]
    for section in manuscript.sections:
        for block in section.blocks:
            texts.extend(_texts(block))
    used = {key for text in texts for key in citations(text)}
    kept = [key for key in manuscript.bibliography if key in used]
    return (*kept, *sorted(used.difference(kept)))
