"""Resolving sign conflicts helps where experts interfere."""

from __future__ import annotations

from agent.minds.playbook import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "interference",
    keywords="TIES sign conflict DARE interference",
    links={"label_free": -0.5},
    meaning={
        "supported": "Conflicting entries of the task vectors cost accuracy here, and "
        "removing them helps.",
        "refuted": "Trimming and sign election gain less here than was predicted.",
        "inconclusive": "What trimming and sign election do here is not settled by these seeds.",
    },
)
def interference(at: Setting) -> Idea | None:
    """TIES against the plain sum of task vectors; DARE-TIES is measured beside it."""
    if not at.merges_deltas:
        return None
    return Idea(
        title="Resolving interference beats the plain sum",
        statement=(
            "TIES, which trims task vectors and elects signs, should be more accurate than adding "
            "the full task vectors."
        ),
        rationale=(
            "Redundant and conflicting parameters were reported to harm merged models "
            "{{citep:yadav2023ties,yu2024dare}}, though a large study found few gains over task "
            "arithmetic {{citep:hitit2025systematic}}."
        ),
        prediction="TIES - plain sum of task vectors >= 0.02 accuracy",
        refuted_by="the mean difference is below 0.02 and the exact test says so",
        cites=("yadav2023ties", "yu2024dare", "hitit2025systematic"),
        treatment=(arms.sparse(at, "ties", "TIES merge"),),
        control=(arms.plain_sum(at),),
        baselines=(arms.sparse(at, "dare_ties", "DARE-TIES merge"),),
        predicted_effect=0.02,
    )
