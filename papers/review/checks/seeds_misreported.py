"""A test on other seeds than the paper says."""

from __future__ import annotations

from collections.abc import Iterable

from papers.review.check import check
from papers.review.finding import Case, Finding, Mend, found
from papers.review.passage import every_reference, passages
from sandbox.records import ComparisonLine


@check("seeds_misreported")
def seeds_misreported(case: Case) -> Iterable[Finding]:
    """A comparison has fewer pairs than were planned and the paper is silent, or miscounts them."""
    used = {reference.expression for _, reference in every_reference(case.manuscript)}
    for line in case.ledger.lines(ComparisonLine):
        where = f"ledger, comparison {line.id}"
        if not line.pairs == len(line.seeds) == len(line.differences):
            yield found(
                where,
                f"its counts differ: pairs {line.pairs}, seeds {len(line.seeds)}, "
                f"differences {len(line.differences)}",
                "compare again from the evidence",
            )
        planned = _planned(case, line)
        if planned is None:
            continue
        if line.pairs < len(planned) and f"cmp:{line.id}.pairs" not in used:
            yield _silent(case, line, len(planned))
        if set(line.seeds) - set(planned):
            odd = sorted(set(line.seeds) - set(planned))
            what = f"seed {odd[0]} is not one of the frozen plan's"
            yield found(where, what, "test only the planned seeds")


def _planned(case: Case, line: ComparisonLine) -> list[int] | None:
    plan = case.plans.get(line.experiment)
    seeds = plan.get("seeds") if isinstance(plan, dict) else None
    return [int(str(seed)) for seed in seeds] if isinstance(seeds, list | tuple) else None


def _silent(case: Case, line: ComparisonLine, planned: int) -> Finding:
    places = [
        p.place
        for p in passages(case.manuscript)
        if f"plan:{line.experiment}.seeds" in p.text or "count:seeds" in p.text
    ]
    labels = f"{{{{plan:{line.experiment}.test.treatment.label|text}}}}"
    control = f"{{{{plan:{line.experiment}.test.control.label|text}}}}"
    sentence = (
        f"The comparison of {labels} with {control} rests on {{{{cmp:{line.id}.pairs|d}}}} pairs "
        f"of seeds; its plan asked for {{{{plan:{line.experiment}.seeds|d}}}}."
    )
    return found(
        places[0] if places else "sec:results",
        f"{line.treatment} against {line.control} has {line.pairs} of {planned} planned pairs, and "
        "the paper does not say so",
        f"state {{{{cmp:{line.id}.pairs|d}}}}",
        Mend(action="add-paragraph", section="sec:limitations", new=sentence),
    )
