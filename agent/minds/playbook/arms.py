"""The arms that several families share: equal calls are one trial, so they are named in one place."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from agent.minds.playbook.family import Setting
from tools.experiment import Arm
from tools.subject import Role


def parent(role: Role) -> Arm:
    """A model as it is."""
    return Arm(
        name=f"model-{role.name}", label=role.label, tool="evaluate", arguments={"role": role.name}
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


def plain_sum(at: Setting) -> Arm:
    """Task arithmetic with every task vector at full weight: it needs no label."""
    arguments: dict[str, JsonValue] = {
        "method": "task_arithmetic",
        "roles": _names(at),
        "base": at.base,
    }
    return Arm(
        name="plain-sum", label="Task arithmetic, unit weights", tool="merge", arguments=arguments
    )


def sparse(at: Setting, method: str, label: str) -> Arm:
    """A sparsifying merge (TIES, DARE-TIES) with its default settings."""
    arguments: dict[str, JsonValue] = {"method": method, "roles": _names(at), "base": at.base}
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
        label=f"Attention of {attention.name}, MLPs of {mlp.name}",
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
        label=f"{body.name} with {top.name}'s last layer",
        tool="merge",
        arguments=arguments,
    )


def grid(at: Setting) -> Arm:
    """Task arithmetic with one coefficient an expert, tuned on a grid."""
    return _search(at, "grid", "Tuned task arithmetic", strategy="grid")


def evolve(at: Setting) -> Arm:
    """Layer-wise coefficients found by CMA-ES."""
    return _search(at, "evolved", "Evolved merge", strategy="evolve")


def random_search(at: Setting) -> Arm:
    """Layer-wise coefficients found by random search."""
    return _search(at, "random-search", "Random search", strategy="random")


def evolve_keeping(at: Setting, kept: Sequence[str]) -> Arm:
    """Layer-wise coefficients evolved for the task and for what the experts knew."""
    return _search(at, "evolved-keeping", "Evolved, keeping", strategy="evolve", keep=list(kept))


def evolve_components(at: Setting, dev_items: int) -> Arm:
    """A few coefficients (attention, MLP and rest of each expert) evolved on few labelled items."""
    return _search(
        at,
        "evolved-few",
        "Evolved, few labels",
        strategy="evolve",
        groups="component",
        dev_items=dev_items,
    )


def finetune(at: Setting) -> Arm:
    """The skill expert fine-tuned on the dev items that the searches use."""
    arguments: dict[str, JsonValue] = {"role": at.parents[0].name, "task": at.subject.primary}
    return Arm(name="finetuned", label="Fine-tuning", tool="finetune", arguments=arguments)


def finetune_few(at: Setting, dev_items: int) -> Arm:
    """The skill expert fine-tuned on few labelled items."""
    arguments = {**finetune(at).arguments, "dev_items": dev_items}
    return Arm(
        name="finetuned-few", label="Fine-tuning, few labels", tool="finetune", arguments=arguments
    )


def permanent(at: Setting) -> tuple[Arm, ...]:
    """The baselines that every paper's main table shows, as far as the subject has them."""
    joint = at.role("joint")
    return (
        *base(at),
        *parents(at),
        uniform(at),
        grid(at),
        random_search(at),
        *((parent(joint),) if joint else ()),
        *((finetune(at),) if at.finetunes else ()),
    )


def _names(at: Setting) -> list[JsonValue]:
    return [role.name for role in at.parents]


def _search(at: Setting, name: str, label: str, **more: JsonValue) -> Arm:
    arguments: dict[str, JsonValue] = {
        "task": at.subject.primary,
        "roles": _names(at),
        "base": at.base,
        "evaluations": at.evaluations,
        **more,
    }
    return Arm(name=name, label=label, tool="search", arguments=arguments)
