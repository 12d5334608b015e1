"""Merging methods and searches, as the paper describes those that a run used."""

from __future__ import annotations

from agent.minds.playbook.story import Story
from papers.draft import Passage
from papers.manuscript import Paragraph
from tools.experiment import Arm

METHOD_TEXT = {
    "task_arithmetic": "task arithmetic adds scaled task vectors {{citep:ilharco2023task}}",
    "linear": "the uniform average weights all parents equally {{citep:wortsman2022soups}}",
    "slerp": "spherical interpolation walks the arc between parents {{citep:shoemake1985slerp}}",
    "ties": "TIES trims each task vector to its largest entries, elects a sign for every parameter "
    "and averages the entries that agree {{citep:yadav2023ties}}",
    "dare_ties": "DARE drops entries at random, rescales the rest and elects signs as TIES does "
    "{{citep:yu2024dare}}",
}


def methods(story: Story) -> str:
    """The merging methods among the arms, one clause each."""
    used = []
    for name, text in METHOD_TEXT.items():
        if story.arm("merge", method=name) and text not in used:
            used.append(text)
    if not used:
        return "Coefficients that are equal over all groups give plain task arithmetic."
    return (
        "Coefficients that are equal over all groups give plain task arithmetic. Among the "
        "merges compared here, " + "; ".join(used) + "."
    )


def search(story: Story) -> Passage:
    """How coefficients were searched; empty when nothing was."""
    found = {s: story.arm("search", strategy=s) for s in ("evolve", "random", "grid")}
    present = {name: arm for name, arm in found.items() if arm is not None}
    if not present:
        return ()
    sentences = [
        "Coefficients are searched on labelled development items; the fitness of a candidate is "
        "its "
        "accuracy there less a small multiple of its cross-entropy, which orders candidates of "
        "equal accuracy."
    ]
    if "evolve" in present:
        evolved = present["evolve"]
        sentences.append(
            "The evolved merge starts CMA-ES {{citep:hansen2001cma,hansen2016cma}} at the best "
            "point "
            "of a coarse grid of task arithmetic, with an initial step of "
            f"{{{{plan:{evolved[0]}.arm.{evolved[1].name}.sigma|.2f}}}} and a population of "
            f"{{{{plan:{evolved[0]}.arm.{evolved[1].name}.population|d}}}}, and stops after "
            f"{_evaluations(evolved)} evaluations, those of the coarse grid included."
        )
    if "random" in present:
        sentences.append(
            "Random search {{citep:bergstra2012random}} has the same start, the same space and the "
            f"same initial step, and draws its {_evaluations(present['random'])} candidates from a "
            "fixed Gaussian."
        )
    if "grid" in present:
        sentences.append(
            "The tuned grid of task arithmetic spends at most "
            f"{_evaluations(present['grid'])} evaluations on the finest square grid over a single "
            "coefficient for every parent."
        )
    sentences.append("The search never sees the test items.")
    return (Paragraph(heading="Search", text=" ".join(sentences)),)


def _evaluations(found: tuple[str, Arm]) -> str:
    return f"{{{{plan:{found[0]}.arm.{found[1].name}.evaluations|d}}}}"
