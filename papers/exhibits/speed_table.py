"""What was timed: speed-ups at matched quality, beside the ratios that carry no claim."""

from __future__ import annotations

from papers.exhibits.architecture_view import ArchitectureView
from papers.manuscript import Column, Table

COLUMNS = (
    ("Speed-up, singly", "speedup_batch_1", ".2f"),
    ("At once", "speedup_batch_16", ".2f"),
    ("Ratio, singly", "decode_ratio_batch_1", ".2f"),
    ("At once", "decode_ratio_batch_16", ".2f"),
    ("Matched", "quality_matched", "%"),
    ("Judged bits", "judged_bits", ".2f"),
    ("Baseline's", "baseline_judged_bits", ".2f"),
    ("Cache", "cache_bytes_per_token", ".0f"),
)
"""Title, measure, format."""


def speed_table(view: ArchitectureView) -> Table | None:
    """A row for each arm that compares speeds; None where there is no such arm."""
    timed = [arm for arm in view.records.arms if view.costs(arm, "decode_ratio_batch_1")]
    if not timed:
        return None
    return Table(
        label="tab:speed",
        caption="What was timed, as means over the paired seeds. Speed-up: characters that the "
        "contender writes in a second over those of the baseline, a sequence at a time and many "
        "at once, none for a seed on which quality is not matched. Ratio: the same whatever the "
        "quality, which carries no claim. Matched: seeds with matched quality. Judged bits: what "
        "the judge needs for each character that was written. Cache: bytes for each character "
        "remembered.",
        columns=(
            Column(title="Arm", align="X"),
            *(Column(title=title) for title, _, _ in COLUMNS),
        ),
        rows=tuple(
            (
                view.records.label(arm),
                *(_cell(view, arm, measure, form) for _, measure, form in COLUMNS),
            )
            for arm in timed
        ),
        wide=True,
    )


def _cell(view: ArchitectureView, arm: str, measure: str, form: str) -> str:
    at = view.costs(arm, measure)
    return f"{{{{mean:{at}|{form}}}}}" if at else "--"
