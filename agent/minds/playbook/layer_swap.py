"""The last layer and the head carry the output language."""

from __future__ import annotations

from agent.minds.playbook import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "layer_swap",
    links={"component_roles": 0.5},
    meaning={
        "supported": "The end of the network decides the language of the answer, and taking "
        "it from the other expert composes without any search.",
        "refuted": "The language of the answer is not decided by the last layer and the "
        "head alone.",
        "inconclusive": "Whether the end of the network carries the language differs between "
        "seeds.",
    },
)
def layer_swap(at: Setting) -> Idea | None:
    """The second expert's last layer and head on the first expert, against the uniform average."""
    if len(at.parents) < 2:
        return None
    first, second = at.parents[:2]
    return Idea(
        title="The last layer and the head carry the output language",
        statement=(
            f"The {first.name} expert with the last layer, norm and head of the {second.name} "
            "expert should be more accurate than their uniform average; neither needs a search."
        ),
        rationale=(
            "Experts of a skill and of a language were composed by exchanging their layers "
            "{{citep:bandarkar2025layerswapping}}, and models stacked from layers of several "
            "sources work {{citep:akiba2025evolutionary,kim2024solar}}. The words of an answer are "
            "chosen at the end of the network."
        ),
        prediction="layer swap - uniform average >= 0.05 accuracy",
        refuted_by="the mean difference is below 0.05 and the exact test says so",
        cites=("bandarkar2025layerswapping", "akiba2025evolutionary", "kim2024solar"),
        treatment=(arms.swap(at, first, second),),
        control=(arms.uniform(at),),
        predicted_effect=0.05,
    )
