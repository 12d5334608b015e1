"""Method, set-up and related work, as the built-in mind writes them."""

from __future__ import annotations

import re
from importlib.resources import files

from agent.minds.playbook.story import Story
from papers.draft import Passage
from papers.manuscript import Formula, Paragraph
from tools.experiment import Arm

_HEADING = re.compile(r"^\*\*(.+?)\.?\*\*\s*", re.DOTALL)

METHOD_TEXT = {
    "task_arithmetic": "task arithmetic adds scaled task vectors {{citep:ilharco2023task}}",
    "linear": "the uniform average weights all parents equally {{citep:wortsman2022soups}}",
    "slerp": "spherical interpolation walks the arc between parents {{citep:shoemake1985slerp}}",
    "ties": "TIES trims each task vector to its largest entries, elects a sign for every parameter "
    "and averages the entries that agree {{citep:yadav2023ties}}",
    "dare_ties": "DARE drops entries at random, rescales the rest and elects signs as TIES does "
    "{{citep:yu2024dare}}",
}


def related_work() -> Passage:
    """The paragraphs of text/related_work.md; `**Heading.**` becomes a run-in heading."""
    text = (files("agent.minds.playbook") / "text" / "related_work.md").read_text(encoding="utf-8")
    return tuple(_paragraph(block) for block in text.split("\n\n") if block.strip())


def method(story: Story) -> Passage:
    """What a merge is, how its coefficients are found, and how a hypothesis is decided."""
    return (
        Paragraph(
            heading="Merging",
            text=r"Let $\theta_b$ be the weights of the base and $\theta_i$ those of parent "
            r"$i$. The "
            r"task vector of parent $i$ is $\tau_i = \theta_i - \theta_b$. Parameters are divided "
            r"into groups $g$: the attention and the feed-forward part of every layer, and all the "
            r"rest. A layer-wise merge has one coefficient for every parent and group,",
        ),
        Formula(
            label="eq:merge",
            latex=r"\theta^{(g)} = \theta_b^{(g)} + \sum_i \lambda_{i,g}\, \tau_i^{(g)} ,",
        ),
        Paragraph(text=_methods_sentence(story)),
        *_search(story),
        Paragraph(
            heading="Deciding a hypothesis",
            text="A plan names a treatment, a control, one metric and the paired seeds. The effect "
            "is the mean difference between treatment and control over the pairs. "
            f"{'An exact' if story.exact else 'A'} sign-flip test "
            "{{citep:phipson2010permutation}} in the predicted direction"
            f"{'' if story.exact else ', with random signs where all would be too many,'} asks "
            "whether the effect exceeds a null value, and a second one whether it falls short of "
            "the predicted value. Both families of tests are corrected over all hypotheses of the "
            "run with Holm's method {{citep:holm1979simple}}. A hypothesis is supported when the "
            "first test passes and the mean effect reaches the prediction, refuted when the second "
            "passes, and otherwise undecided; an undecided test is not evidence of absence "
            "{{citep:altman1995absence}}. Intervals are bootstrap intervals over the pairs "
            "{{citep:efron1993introduction}} at the level {{fact:confidence|%}}. When a control "
            "consists of several models, the best of them is taken for every seed on the test "
            "items themselves, which favours the control.",
        ),
        Paragraph(
            text=r"An exact test over $n$ pairs cannot give a $p$ below $2^{-n}$. The number of "
            "seeds was therefore chosen from the test: a plan whose test cannot reach its level "
            "after the correction is refused before it is frozen, and so is a plan whose treatment "
            "and control have both been measured already.",
        ),
    )


def _methods_sentence(story: Story) -> str:
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


def _search(story: Story) -> Passage:
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


def setup(story: Story) -> Passage:
    """Subject, pairing, baselines, confinement, machine: what a reader needs to repeat the run."""
    mind = "the built-in mind {{fact:mind.name|text}}, which uses no language model and no network"
    return (
        Paragraph(
            heading="Models and tasks",
            text="The subject is {{fact:subject.description|text}}. {{ref:tab:models}} lists the "
            "models and {{ref:tab:tasks}} the tasks. {{fact:subject.pairing|text}} The primary "
            f"task is {_label(story)}; development items are used by searches and by fine-tuning, "
            "test items by nothing but the final measurement.",
        ),
        Paragraph(
            heading="Execution",
            text="Every trial, that is an arm with a seed, ran as a job of its own under the "
            "sandbox level {{fact:sandbox.level|text}}. "
            + _confinement(story)
            + " A trial returns "
            "predictions; they were scored outside, where the test labels are. The run was "
            f"conducted without intervention by {mind}, on the machine and within the budget of "
            "{{ref:tab:setup}}.",
        ),
    )


def _confinement(story: Story) -> str:
    sandbox = story.facts["sandbox"]
    assert isinstance(sandbox, dict)
    if not sandbox["confined"]:
        return (
            "This level is unconfined: trials could read files and reach the network, and the "
            "values below rest on trust in their code."
        )
    return (
        "It denies the network, shows a read-only system, and limits time, memory, processes and "
        "disk; what the machine really enforces was probed before the first trial."
    )


def _label(story: Story) -> str:
    tasks = story.subject("tasks")
    assert isinstance(tasks, list)
    names = [task["name"] for task in tasks if isinstance(task, dict)]
    return f"{{{{fact:subject.tasks.{names.index(story.primary)}.label|text}}}}"


def _paragraph(block: str) -> Paragraph:
    match = _HEADING.match(block.strip())
    if match is None:
        return Paragraph(text=block.strip())
    return Paragraph(heading=match.group(1), text=block.strip()[match.end() :])
