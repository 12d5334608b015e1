"""The arms that families share: equal calls are one trial, so they are named in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import JsonValue

from agent.minds.playbook.architectures import searches
from agent.minds.playbook.effort import alike
from agent.minds.playbook.family import Idea, Setting
from tools.experiment import Arm
from tools.subject import Role

FEW, FEWER = 16, 64
LABELS = {FEW: ("few", "few labels"), FEWER: ("fewer", "fewer labels")}
LAYERWISE: dict[str, JsonValue] = {"groups": "layerwise", "sigma": 0.25, "population": 12}


def parent(role: Role) -> Arm:
    """A model as it is."""
    return Arm(
        name=f"model-{role.name}",
        label=_capital(role.label),
        tool="evaluate",
        arguments={"role": role.name},
    )


def parents(at: Setting) -> tuple[Arm, ...]:
    """Each expert as it is."""
    return tuple(parent(role) for role in at.parents)


def base(at: Setting) -> tuple[Arm, ...]:
    """The common base as it is, where there is one."""
    role = at.role(at.base) if at.base else None
    return (parent(role),) if role else ()


def uniform(at: Setting) -> Arm:
    """The plain average of the experts."""
    arguments: dict[str, JsonValue] = {"method": "linear", "roles": _names(at), "base": ""}
    return Arm(name="uniform", label="Uniform average", tool="merge", arguments=arguments)


def uniform_with(at: Setting, stranger: Role) -> Arm:
    """The plain average of the first expert and a model of another base."""
    arguments: dict[str, JsonValue] = {
        "method": "linear",
        "roles": [at.parents[0].name, stranger.name],
        "base": "",
    }
    return Arm(
        name="uniform-foreign",
        label="Average over unrelated bases",
        tool="merge",
        arguments=arguments,
    )


def plain_sum(at: Setting) -> Arm:
    """Task arithmetic with every task vector at full weight: it needs no label."""
    arguments: dict[str, JsonValue] = {
        "method": "task_arithmetic",
        "roles": _names(at),
        "base": at.base,
    }
    return Arm(
        name="plain-sum", label="Plain sum of task vectors", tool="merge", arguments=arguments
    )


def sparse(at: Setting, method: str, label: str) -> Arm:
    """A sparsifying merge (TIES, DARE-TIES) with its default settings."""
    arguments: dict[str, JsonValue] = {"method": method, "roles": _names(at), "base": at.base}
    arguments["parameters"] = {"density": 0.5}
    return Arm(name=method.replace("_", "-"), label=label, tool="merge", arguments=arguments)


def component(at: Setting, attention: Role, mlp: Role) -> Arm:
    """Attention of one expert, MLPs of another, and half of both in the rest."""
    arguments: dict[str, JsonValue] = {
        "method": "task_arithmetic",
        "roles": [attention.name, mlp.name],
        "base": at.base,
        "components": {
            "attention": {attention.name: 1.0, mlp.name: 0.0},
            "mlp": {attention.name: 0.0, mlp.name: 1.0},
            "rest": {attention.name: 0.5, mlp.name: 0.5},
        },
    }
    return Arm(
        name=f"attention-{attention.name}-mlp-{mlp.name}",
        label=f"Merge with attention of the {_small(attention.label)}",
        tool="merge",
        arguments=arguments,
    )


def swap(at: Setting, body: Role, top: Role) -> Arm:
    """The last layer, norm and head of one expert on the body of another."""
    arguments: dict[str, JsonValue] = {
        "roles": [body.name, top.name],
        "base": at.base,
        "swap": {"role": top.name, "layers": 1, "head": True},
    }
    return Arm(
        name="layer-swap",
        label=f"{_capital(body.label)} with last layer of the {_small(top.label)}",
        tool="merge",
        arguments=arguments,
    )


def grid(at: Setting, dev_items: int = 0) -> Arm:
    """Task arithmetic with one coefficient an expert, tuned on a grid."""
    return _search(at, "grid", "Tuned task arithmetic", dev_items, strategy="grid")


def evolve(at: Setting, dev_items: int = 0) -> Arm:
    """Layer-wise coefficients found by CMA-ES."""
    return _search(at, "evolved", "Evolved merge", dev_items, strategy="evolve", **LAYERWISE)


def random_search(at: Setting, dev_items: int = 0) -> Arm:
    """Layer-wise coefficients found by random search."""
    return _search(
        at, "random-search", "Random search", dev_items, strategy="random", groups="layerwise"
    )


def evolve_keeping(at: Setting, kept: Sequence[str]) -> Arm:
    """Layer-wise coefficients evolved for the task and for what the experts knew."""
    more: dict[str, JsonValue] = {**LAYERWISE, "keep": list(kept)}
    return _search(at, "evolved-keeping", "Evolved keeping merge", 0, strategy="evolve", **more)


def evolve_components(at: Setting, dev_items: int) -> Arm:
    """A few coefficients (attention, MLP and rest of each expert), evolved."""
    more: dict[str, JsonValue] = {**LAYERWISE, "groups": "component"}
    return _search(
        at,
        "evolved-by-component",
        "Component-wise evolved merge",
        dev_items,
        strategy="evolve",
        **more,
    )


def finetune(at: Setting, dev_items: int = 0) -> Arm:
    """The skill expert fine-tuned on the dev items that the searches use."""
    arguments: dict[str, JsonValue] = {"role": at.parents[0].name, "task": at.subject.primary}
    arguments |= {"steps": 120, "learning_rate": 0.001}
    return fewer(
        Arm(
            name="finetuned",
            label=f"Fine-tuned {_small(at.parents[0].label)}",
            tool="finetune",
            arguments=arguments,
        ),
        dev_items,
    )


def fewer(arm: Arm, dev_items: int) -> Arm:
    """The arm with only the first `dev_items` labelled items; all of them when zero."""
    if not dev_items or arm.tool not in ("search", "finetune"):
        return arm
    suffix, words = LABELS[dev_items]
    return arm.model_copy(
        update={
            "name": f"{arm.name}-{suffix}",
            "label": f"{arm.label}, {words}",
            "arguments": {**arm.arguments, "dev_items": dev_items},
        }
    )


def permanent(at: Setting, dev_items: int = 0) -> tuple[Arm, ...]:
    """The baselines that every paper's main table shows, as far as the subject has them."""
    joint = at.role("joint")
    searches = (grid(at, dev_items), random_search(at, dev_items)) if at.merges_deltas else ()
    return (
        *base(at),
        *parents(at),
        uniform(at),
        *searches,
        *((parent(joint),) if joint else ()),
        finetune(at, dev_items),
    )


def with_permanent(idea: Idea, at: Setting) -> Idea:
    """The idea with the permanent baselines, when it claims that a search is better."""
    arm = idea.treatment[0]
    if idea.null_effect < 0 or idea.metric != "accuracy":
        return idea
    if searches.searches(arm):
        return replace(idea, baselines=(*idea.baselines, *searches.permanent(at, arm)))
    if arm.tool != "search":
        return idea
    dev_items = arm.arguments.get("dev_items")
    ours = permanent(at, dev_items if isinstance(dev_items, int) else 0)
    ours = tuple(alike(baseline, arm, at.evaluations) for baseline in ours)
    return replace(idea, baselines=(*idea.baselines, *ours))


def _capital(label: str) -> str:
    return label[:1].upper() + label[1:]


def _small(label: str) -> str:
    """Within a phrase: a capital goes that only begins the label, and is no name or acronym."""
    first = label.split(" ", maxsplit=1)[0]
    return label[:1].lower() + label[1:] if " " in label and first[1:].islower() else label


def _names(at: Setting) -> list[JsonValue]:
    return [role.name for role in at.parents]


def _search(at: Setting, name: str, label: str, dev_items: int, **more: JsonValue) -> Arm:
    arguments: dict[str, JsonValue] = {
        "task": at.subject.primary,
        "roles": _names(at),
        "base": at.base,
        "evaluations": at.evaluations,
        **more,
    }
    return fewer(Arm(name=name, label=label, tool="search", arguments=arguments), dev_items)
