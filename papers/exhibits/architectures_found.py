"""The architectures that searches settled on, seed by seed."""

from __future__ import annotations

from papers.exhibits.architecture_calls import described
from papers.exhibits.architecture_view import ArchitectureView
from papers.manuscript import Column, Table
from sandbox.records import TrialLine


def found_table(view: ArchitectureView) -> Table | None:
    """Each search with each seed; nothing where the run had no search."""
    lines = [t for t in view.records.ledger.lines(TrialLine) if t.found and t.status == "ok"]
    order = {arm: place for place, arm in enumerate(view.arms)}
    shown = sorted((t for t in lines if t.arm in order), key=lambda t: (order[t.arm], t.seed))
    if not shown:
        return None
    arms = [line.arm for line in shown]
    return Table(
        label="tab:found",
        caption="The architectures that the searches settled on, with the test score of each: "
        "layers from the input on, each its convolution, its sequence mixer and its channel mixer, "
        "with the parameters that are not the defaults of a block.",
        columns=(
            Column(title="Search", align="l"),
            Column(title="Seed"),
            Column(title="Found", align="X"),
            Column(title="Score"),
        ),
        rows=tuple(
            (
                view.records.label(line.arm),
                f"{{{{trial:{line.id}.seed|d}}}}",
                f"{{{{code:{described(line.found)}}}}}",
                f"{{{{{view.of_seed(line.arm, line.seed)}|.3f}}}}",
            )
            for line in shown
        ),
        rules_before=tuple(i for i in range(1, len(arms)) if arms[i] != arms[i - 1]),
        wide=True,
    )
