"""The last layer and the head of one expert compose with the body of the other."""

from __future__ import annotations

from agent.minds.playbook import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "layer_swap",
    keywords="layer swapping frankenmerge stacking",
    links={"component_roles": 0.5},
    meaning={
        "supported": "What the other expert adds sits largely at the end of its network, and "
        "taking it from there composes without any search.",
        "refuted": "What the other expert adds is not in its last layer and head alone.",
        "inconclusive": "Whether the end of the network carries what the other expert adds is not "
        "settled by these seeds.",
    },
)
def layer_swap(at: Setting) -> Idea | None:
    """The second expert's last layer and head on the first expert, against average and experts."""
    if len(at.parents) < 2:
        return None
    first, second = at.parents[:2]
    return Idea(
        title="Exchanging the last layer composes the experts",
        statement=(
            f"The {first.name} expert with the last layer, norm and head of the {second.name} "
            "expert should be more accurate than their uniform average and than either of them; "
            "none of these needs a search."
        ),
        rationale=(
            "Experts of a skill and of a language were composed by exchanging their layers "
            "{{citep:bandarkar2025layerswapping}}, and models stacked from layers of several "
            "sources work {{citep:akiba2025evolutionary,kim2024solar}}. The words of an answer are "
            "chosen at the end of the network."
        ),
        prediction="layer swap - best of uniform average and experts >= 0.05 accuracy",
        refuted_by="the mean difference is below 0.05 and the exact test says so",
        cites=("bandarkar2025layerswapping", "akiba2025evolutionary", "kim2024solar"),
        treatment=(arms.swap(at, first, second),),
        control=(arms.uniform(at), *arms.parents(at)),
        control_label="Best of average and experts",
        predicted_effect=0.05,
    )
