"""A small, complete paper over the sample run: every kind of block and of reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from papers.manuscript import (
    Block,
    Column,
    Figure,
    Formula,
    Items,
    Manuscript,
    Paragraph,
    Section,
    Series,
    Table,
)
from sandbox.records import ComparisonLine
from tools.experiment import Experiment

TASK = "largest.ko"
POINTS = (1, 2, 5, 10, 25, 50, 100, 150, 200, 250, 300)
MAIN_ARMS = {
    "base": "Base",
    "skill-expert": "Skill expert",
    "language-expert": "Language expert",
    "joint": "Joint training",
    "uniform": "Uniform average",
    "ties": "TIES",
    "task-arithmetic": "Task arithmetic, tuned",
    "random-search": "Random search",
    "evolve": "Evolved (CMA-ES)",
    "finetune": "Fine-tuned skill expert",
}


def sample_manuscript(
    facts: dict[str, Any],
    comparisons: Sequence[ComparisonLine],
    experiments: Sequence[Experiment],
) -> Manuscript:
    """The paper. comparisons, experiments: of the four hypotheses, in one order."""
    skill, grid, random, keeps = comparisons
    return Manuscript(
        run=facts["id"],
        title="Composing a skill and a language by evolving merge coefficients",
        abstract=(Paragraph(text=_abstract(skill, keeps)),),
        sections=(
            _introduction(),
            _related(),
            _method(),
            _setup(experiments[0]),
            _results(comparisons),
            *_findings(skill, grid, random, keeps),
            _limitations(),
            _appendix(comparisons, experiments),
        ),
        bibliography=(
            "akiba2025evolutionary",
            "hansen2016tutorial",
            "holm1979simple",
            "ilharco2023editing",
            "wortsman2022soups",
            "yadav2023ties",
        ),
        mind=facts["mind"]["name"],
    )


def _abstract(skill: ComparisonLine, keeps: ComparisonLine) -> str:
    return (
        "A skill learned in one language and fluency in another can live in two experts of one "
        "base "
        "model. We ask whether merging composes them. Over {{count:seeds|words}} paired seeds the "
        f"evolved merge reaches {{{{mean:evolve/{TASK}/test|.3f}}}} where the better parent "
        f"reaches "
        f"{{{{cmp:{skill.id}.control_mean|.3f}}}}, a difference of "
        f"{{{{cmp:{skill.id}.effect|pp}}}} "
        f"(bootstrap interval {{{{cmp:{skill.id}.low|pp}}}} to {{{{cmp:{skill.id}.high|pp}}}}). "
        "Of {{count:hypotheses|words}} hypotheses fixed in advance, {{count:supported|words}} were "
        "supported, {{count:refuted|words}} refuted and {{count:inconclusive|words}} left open. "
        "The "
        f"merge forgets: in the skill's own language it loses {{{{cmp:{keeps.id}.effect|pp}}}}, "
        f"and "
        "gradient fine-tuning on the same labelled items is stronger "
        f"({{{{mean:finetune/{TASK}/test|.3f}}}})."
    )


def _introduction() -> Section:
    return Section(
        label="sec:introduction",
        title="Introduction",
        blocks=(
            Paragraph(
                text="{{cite:akiba2025evolutionary}} merged a Japanese language model with English "
                "models of mathematics and found a Japanese model that solves mathematics, which "
                "neither parent does. Whether such a composition is a property of merging or of "
                "one "
                "lucky pair is hard to tell at that scale, where a single search costs days. We "
                "study it where it costs seconds, in a miniature of two languages, with every "
                "comparison paired by seed and every decision rule fixed before the first trial."
            ),
            Paragraph(
                text="We test whether (see {{ref:tab:verdicts}})",
            ),
            Items(
                items=(
                    "a merge has a skill that neither parent has;",
                    "layer-wise coefficients beat the best point of a grid over two global ones;",
                    "evolution beats random search at equal evaluations;",
                    "the merge keeps what its parents knew.",
                ),
                numbered=True,
            ),
        ),
    )


def _related() -> Section:
    return Section(
        label="sec:related",
        title="Related work",
        blocks=(
            Paragraph(
                text="Averaging the weights of models fine-tuned from one start improves accuracy "
                "{{citep:wortsman2022soups}}; adding and subtracting their differences from the "
                "base edits behaviour {{citep:ilharco2023editing}}. {{cite:yadav2023ties}} trim "
                "and "
                "elect signs where experts conflict. {{cite:akiba2025evolutionary}} search the "
                "coefficients with CMA-ES {{citep:hansen2016tutorial,akiba2025evolutionary}}. "
                "Multiple tests are corrected after {{cite:holm1979simple}}."
            ),
        ),
    )


def _method() -> Section:
    return Section(
        label="sec:method",
        title="Method",
        blocks=(
            Paragraph(
                text="Let $\\theta_0$ be the base and $\\tau_r = \\theta_r - \\theta_0$ the task "
                "vector "
                "of parent $r$. For every parameter group $g$ the merge is"
            ),
            Formula(
                label="eq:merge",
                latex="\\theta^{(g)} = \\theta_0^{(g)} + \\sum_{r} "
                "\\lambda_r^{(g)}\\,\\tau_r^{(g)}",
            ),
            Paragraph(
                text="with one coefficient for each parent and group ({{ref:eq:merge}}). Task "
                "arithmetic is the special case of one coefficient for each parent.",
            ),
            Paragraph(
                heading="Search",
                text="CMA-ES starts from the best point of the grid with step size "
                "{{code:sigma}} and population {{code:population}} as frozen in the plan; the "
                "fitness is the accuracy on the development split, never on the test split.",
            ),
        ),
    )


def _setup(experiment: Experiment) -> Section:
    plan = experiment.id
    rows = (
        ("Processor", "{{fact:machine.cpu|text}}, {{fact:machine.cores|d}} cores"),
        ("Memory", "{{fact:machine.memory_bytes|B}}"),
        ("Isolation", "{{fact:sandbox.backend|text}} ({{fact:sandbox.level|text}})"),
        ("Mind", "{{fact:mind.name|text}}: {{fact:mind.description|text}}"),
        ("Budget", "{{fact:budget.wall_s|s}} of wall time, {{fact:budget.trials|d}} trials"),
        ("Spent", "{{cost:cpu_s|s}} of processor time in {{count:trials|d}} trials"),
        (
            "Search",
            f"{{{{plan:{plan}.arm.evolve.evaluations|d}}}} evaluations, population "
            f"{{{{plan:{plan}.arm.evolve.population|d}}}}, step "
            f"{{{{plan:{plan}.arm.evolve.sigma|.2f}}}}",
        ),
    )
    return Section(
        label="sec:setup",
        title="Experimental set-up",
        blocks=(
            Paragraph(
                text="Every seed trains its own base model and both experts, so seeds are paired. "
                f"Each plan fixes {{{{plan:{plan}.seeds|words}}}} seeds and a family-wise error of "
                f"{{{{plan:{plan}.alpha|.2f}}}}. {{{{ref:tab:setup}}}} lists the machine and what "
                f"was "
                "spent."
            ),
            Table(
                label="tab:setup",
                caption="Where and how the experiments ran.",
                columns=(Column(title="Item", align="l"), Column(title="Value", align="X")),
                rows=rows,
            ),
        ),
    )


def _results(comparisons: Sequence[ComparisonLine]) -> Section:
    return Section(
        label="sec:results",
        title="Results",
        blocks=(
            Paragraph(
                text="{{ref:tab:main}} and {{ref:fig:intervals}} compare all arms on the held-out "
                "items; {{ref:tab:verdicts}} and {{ref:fig:forest}} give the frozen tests. "
                "{{ref:fig:search}} shows the searches and {{ref:fig:map}} what was merged where."
            ),
            _main_table(),
            _intervals(),
            _verdict_table(comparisons),
            _forest(comparisons),
            _curves(),
            _map(),
            _paired(),
            _bars(),
        ),
    )


def _main_table() -> Table:
    rows = tuple(
        (
            label,
            *(f"{{{{mean:{arm}/{task}/test|.3f}}}}" for task in (TASK, "largest.en", "copy.ko")),
            f"{{{{sd:{arm}/{TASK}/test|.3f}}}}",
            f"{{{{n:{arm}/{TASK}/test|d}}}}",
        )
        for arm, label in MAIN_ARMS.items()
    )
    return Table(
        label="tab:main",
        caption="Accuracy on held-out items: mean over seeds, with the standard deviation and the "
        "number of seeds on the primary task. Bold: best of the column.",
        columns=(
            Column(title="Arm", align="l"),
            Column(title="largest, Korean"),
            Column(title="largest, English"),
            Column(title="copy, Korean"),
            Column(title="SD"),
            Column(title="Seeds"),
        ),
        rows=rows,
        bold=((9, 1), (3, 2), (2, 3)),
        rules_before=(4, 9),
        notes="TIES lost one seed to its wall limit. Fine-tuning uses gradients on the same "
        "labelled development items as the searches.",
        wide=True,
    )


def _intervals() -> Figure:
    arms = tuple(MAIN_ARMS)
    return Figure(
        label="fig:intervals",
        caption="Accuracy on the primary task: mean over seeds with its interval; faint dots are "
        "single seeds.",
        draw="intervals",
        series=(
            Series(
                label="accuracy",
                x=tuple(MAIN_ARMS.values()),
                y=tuple(f"mean:{arm}/{TASK}/test" for arm in arms),
                low=tuple(f"low:{arm}/{TASK}/test" for arm in arms),
                high=tuple(f"high:{arm}/{TASK}/test" for arm in arms),
            ),
            *(
                Series(
                    label=f"seed {seed}",
                    x=tuple(
                        label for arm, label in MAIN_ARMS.items() if (arm, seed) != ("ties", 3)
                    ),
                    y=tuple(
                        f"at:{arm}/{TASK}/test/{seed}" for arm in arms if (arm, seed) != ("ties", 3)
                    ),
                )
                for seed in range(8)
            ),
        ),
        x_label="accuracy on largest, Korean",
        y_label="",
        alt="Dot plot: fine-tuning and the evolved merge lead, the parents trail.",
    )


def _verdict_table(comparisons: Sequence[ComparisonLine]) -> Table:
    names = ("Composed skill", "Beats grid", "Beats random", "Keeps skills")
    rows = tuple(
        (
            name,
            f"{{{{cmp:{c.id}.effect|pp}}}}",
            f"{{{{cmp:{c.id}.low|pp}}}} to {{{{cmp:{c.id}.high|pp}}}}",
            f"{{{{cmp:{c.id}.predicted_effect|pp}}}}",
            f"{{{{verdict:{c.hypothesis}.p_support_holm|p}}}}",
            f"{{{{verdict:{c.hypothesis}.p_refute_holm|p}}}}",
            f"{{{{verdict:{c.hypothesis}.ruling|text}}}}",
        )
        for name, c in zip(names, comparisons, strict=True)
    )
    return Table(
        label="tab:verdicts",
        caption="The frozen tests. Effects are treatment minus control, paired by seed; p-values "
        "are "
        "exact and corrected after Holm.",
        columns=(
            Column(title="Hypothesis", align="l"),
            Column(title="Effect"),
            Column(title="Interval"),
            Column(title="Predicted"),
            Column(title="p (support)"),
            Column(title="p (refute)"),
            Column(title="Verdict", align="l"),
        ),
        rows=rows,
        wide=True,
    )


def _forest(comparisons: Sequence[ComparisonLine]) -> Figure:
    names = ("Composed skill", "Beats grid", "Beats random", "Keeps skills")

    def field(name: str) -> tuple[str, ...]:
        return tuple(f"cmp:{c.id}.{name}" for c in comparisons)

    return Figure(
        label="fig:forest",
        caption="Effects of all hypotheses with intervals, and the effects under the null and as "
        "predicted.",
        draw="forest",
        series=(
            Series(
                label="effect", x=names, y=field("effect"), low=field("low"), high=field("high")
            ),
            Series(label="null", x=names, y=field("null_effect")),
            Series(label="predicted", x=names, y=field("predicted_effect")),
        ),
        x_label="effect on accuracy",
        y_label="",
        alt="Forest plot of four effects.",
    )


def _curves() -> Figure:
    strategies = {"evolve": "CMA-ES", "random-search": "random"}

    def at(statistic: str, arm: str) -> tuple[str, ...]:
        return tuple(f"{statistic}:{arm}/{TASK}/dev/best:{n}" for n in POINTS)

    return Figure(
        label="fig:search",
        caption="Best development accuracy so far: median over seeds, band from the lowest to the "
        "highest.",
        draw="curves",
        series=tuple(
            Series(
                label=label,
                x=tuple(str(n) for n in POINTS),
                y=at("median", arm),
                low=at("min", arm),
                high=at("max", arm),
            )
            for arm, label in strategies.items()
        ),
        x_label="evaluations",
        y_label="best accuracy (dev)",
        alt="Two rising curves, random search slightly ahead early.",
    )


def _map() -> Figure:
    groups = (*(f"{p}.{layer}" for layer in range(3) for p in ("attention", "mlp")), "rest")
    return Figure(
        label="fig:map",
        caption="What was merged where: mean coefficient of each parent's task vector.",
        draw="heatmap",
        series=tuple(
            Series(
                label=label,
                x=groups,
                y=tuple(f"mean:evolve/{TASK}/dev/coefficient:{role}/{g}" for g in groups),
            )
            for role, label in (("skill", "Skill expert"), ("language", "Language expert"))
        ),
        x_label="parameter group",
        y_label="",
        wide=True,
        alt="Heat map: early layers from the skill expert, late ones from the language expert.",
    )


def _paired() -> Figure:
    arms = {"task-arithmetic": "Task arithmetic", "evolve": "Evolved"}
    return Figure(
        label="fig:paired",
        caption="Each line is one seed.",
        draw="paired",
        series=tuple(
            Series(
                label=f"seed {seed}",
                x=tuple(arms.values()),
                y=tuple(f"at:{arm}/{TASK}/test/{seed}" for arm in arms),
            )
            for seed in range(8)
        ),
        x_label="",
        y_label="accuracy",
        alt="Eight rising lines.",
    )


def _bars() -> Figure:
    arms = {"uniform": "Uniform", "ties": "TIES", "evolve": "Evolved"}
    return Figure(
        label="fig:bars",
        caption="Accuracy by task for three merges.",
        draw="bars",
        series=tuple(
            Series(
                label=label,
                x=tuple(arms.values()),
                y=tuple(f"mean:{arm}/{task}/test" for arm in arms),
                low=tuple(f"low:{arm}/{task}/test" for arm in arms),
                high=tuple(f"high:{arm}/{task}/test" for arm in arms),
            )
            for task, label in ((TASK, "largest, Korean"), ("copy.ko", "copy, Korean"))
        ),
        x_label="",
        y_label="accuracy",
        alt="Grouped bars.",
    )


def _findings(
    skill: ComparisonLine, grid: ComparisonLine, random: ComparisonLine, keeps: ComparisonLine
) -> tuple[Section, ...]:
    return (
        Section(
            label="sec:skill",
            title="A merge has a skill that neither parent has",
            level=2,
            blocks=(
                Paragraph(
                    text="Supported. The evolved merge exceeds the better parent by "
                    f"{{{{cmp:{skill.id}.effect|pp}}}} over {{{{cmp:{skill.id}.pairs|words}}}} "
                    f"pairs "
                    f"({{{{verdict:{skill.hypothesis}.p_support_holm|p=}}}} after Holm); the "
                    "composition holds on every seed.",
                    claims=("claim-1",),
                ),
            ),
        ),
        Section(
            label="sec:grid",
            title="Layer-wise evolution beats tuned task arithmetic",
            level=2,
            blocks=(
                Paragraph(
                    text=f"Supported, with {{{{cmp:{grid.id}.effect|pp}}}}. The grid spends "
                    f"{{{{max:task-arithmetic/{TASK}/dev/evaluations|d}}}} evaluations.",
                ),
            ),
        ),
        Section(
            label="sec:random",
            title="Evolution beats random search at equal evaluations",
            level=2,
            blocks=(
                Paragraph(
                    text="The data do not decide. The effect is "
                    f"{{{{cmp:{random.id}.effect|pp}}}} against a prediction of "
                    f"{{{{cmp:{random.id}.predicted_effect|pp}}}}; the exact test of support gives "
                    f"{{{{verdict:{random.hypothesis}.p_support_holm|p=}}}}, of refutation "
                    f"{{{{verdict:{random.hypothesis}.p_refute_holm|p=}}}}.",
                ),
            ),
        ),
        Section(
            label="sec:keeps",
            title="A merge keeps what its parents knew",
            level=2,
            blocks=(
                Paragraph(
                    text="Refuted: the evolved merge loses the skill in its own language "
                    f"({{{{cmp:{keeps.id}.treatment_mean|.3f}}}} against "
                    f"{{{{cmp:{keeps.id}.control_mean|.3f}}}}), because no part of the fitness "
                    "asks it to keep it.",
                ),
            ),
        ),
    )


def _limitations() -> Section:
    return Section(
        label="sec:limitations",
        title="Limitations",
        blocks=(
            Paragraph(
                text="The models are small and the tasks are generated, so nothing here says that "
                "the effect has the same size elsewhere. The unit of replication is the training "
                "seed, not the task. Special characters (& % $ _ # ~ ^ \\ { } < >) and a Korean "
                "word such as 한지 are set as they are."
            ),
        ),
    )


def _appendix(comparisons: Sequence[ComparisonLine], experiments: Sequence[Experiment]) -> Section:
    arms = list(MAIN_ARMS)
    blocks: tuple[Block, ...] = (
        Paragraph(
            text="{{count:trials.ok|d}} trials succeeded and {{count:trials.failed|words}} failed; "
            "{{ref:tab:trials}} lists one per arm and seed."
        ),
        Table(
            label="tab:trials",
            caption="Every measured accuracy on the primary task.",
            columns=(
                Column(title="Arm", align="l"),
                Column(title="Seed"),
                Column(title="Accuracy"),
                Column(title="Digest of the plan", align="l"),
            ),
            rows=tuple(
                (
                    MAIN_ARMS[arm],
                    f"{{{{code:{seed}}}}}",
                    f"{{{{at:{arm}/{TASK}/test/{seed}|.3f}}}}"
                    if (arm, seed) != ("ties", 3)
                    else "killed (wall)",
                    f"{{{{code:{experiments[0].id}}}}}",
                )
                for arm in arms
                for seed in range(8)
            ),
            long=True,
        ),
    )
    return Section(label="sec:appendix", title="Trials", blocks=blocks, appendix=True)
