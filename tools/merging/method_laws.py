"""What every merge method must obey, whoever wrote it. Each law answers with what is broken.

Type and shape are kept; values are finite; the same merge gives the same again, draws nothing
unseeded and leaves its inputs alone; a model merged with itself is itself; order and single weights
as the method declares.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from tools.laws import findings
from tools.merging.method import MergeMethod, Parents, Value, find_method

SHAPES = ((6, 5), (7,))
"""Of the tensors that are merged: a matrix and a vector."""
TOLERANCE = 1e-5
Checked = Mapping[str, Value]


def broken_laws(
    method: MergeMethod, parameters: Mapping[str, Value] | None = None, seed: int = 0
) -> list[str]:
    """One sentence for each law that the method breaks. Raises BadInput for bad parameters."""
    checked = method.check(parameters or {})
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        kits = [tuple(torch.randn(shape) for _ in range(4)) for shape in SHAPES]
        broken = [line for kit in kits for line in _kept(method, checked, kit)]
        if broken:
            return list(dict.fromkeys(broken))
        for kit in kits:
            broken += _repeat(method, checked, kit)
            broken += _identity(method, checked, kit)
            if method.symmetric:
                broken += _order(method, checked, kit)
            if method.selects:
                broken += _weights(method, checked, kit)
    return list(dict.fromkeys(broken))


def is_asked(method: MergeMethod, law: str) -> bool:
    """Whether the law is one for this method: two hold only where they are declared."""
    declared = {"order": method.symmetric, "weights": method.selects}
    return declared.get(law, True)


def tried(name: str) -> list[str]:
    """One line a law, on the method that this process knows by that name."""
    method = find_method(name)
    return list(findings("merge_method", broken_laws(method), lambda law: is_asked(method, law)))


def _merged(
    method: MergeMethod,
    parameters: Checked,
    models: Sequence[Tensor],
    base: Tensor | None,
    weights: Sequence[float] = (),
) -> Tensor:
    parents = Parents(
        models=tuple(models),
        weights=tuple(weights) or (1.0,) * len(models),
        base=base,
        name="layers.0.mlp.weight",
        seed=1,
    )
    return method(parents, parameters)


def _groups(method: MergeMethod, kit: Sequence[Tensor]) -> Iterator[tuple[Tensor, ...]]:
    """Models to merge: two, their opposites, one that is zero; three where it takes so many."""
    a, b, c, base = kit
    yield from ((a, b), (a, -a), (torch.zeros_like(a), b), (base, base))
    if method.most_models > 2:
        yield a, b, c


def _bases(method: MergeMethod, kit: Sequence[Tensor]) -> list[Tensor | None]:
    return [kit[3]] if method.needs_base else [kit[3], None]


def _kept(method: MergeMethod, parameters: Checked, kit: Sequence[Tensor]) -> Iterator[str]:
    for models in _groups(method, kit):
        for base in _bases(method, kit):
            merged: object = _merged(method, parameters, models, base)
            if not isinstance(merged, Tensor):
                yield f"kept: it gives a {type(merged).__name__}, not a tensor"
            elif merged.shape != models[0].shape:
                yield f"kept: {tuple(models[0].shape)} became {tuple(merged.shape)}"
            elif merged.dtype != torch.float32:
                yield f"kept: float32 became {str(merged.dtype).removeprefix('torch.')}"
            elif not merged.isfinite().all():
                yield "values: the merge of finite models is not finite"


def _repeat(method: MergeMethod, parameters: Checked, kit: Sequence[Tensor]) -> Iterator[str]:
    given = [tensor.clone() for tensor in kit]
    torch.manual_seed(1)
    first = _merged(method, parameters, given[:2], given[3]).clone()
    if not all(torch.equal(x, y) for x, y in zip(given, kit, strict=True)):
        yield "repeat: it changes the models that it is given"
    torch.manual_seed(2)
    again = _merged(method, parameters, [t.clone() for t in kit[:2]], kit[3].clone())
    if not torch.equal(first, again):
        yield "repeat: the same merge gives something else the second time (draw from generator)"


def _identity(method: MergeMethod, parameters: Checked, kit: Sequence[Tensor]) -> Iterator[str]:
    a, b, _, _ = kit
    cases: list[tuple[Tensor | None, str]] = [(a, "itself, which is the base")]
    if method.normalised:
        cases.append((b, "itself, whatever the base"))
    if not method.needs_base:
        cases.append((None, "itself, without a base"))
    for base, what in cases:
        worst = float((_merged(method, parameters, (a, a), base) - a).abs().max())
        if not worst <= TOLERANCE:
            yield f"identity: a model merged with {what}, changes by {worst:.1e}"


def _order(method: MergeMethod, parameters: Checked, kit: Sequence[Tensor]) -> Iterator[str]:
    models = kit[: min(3, method.most_models)]
    weights = (1.0, 0.5, 0.25)[: len(models)]
    first = _merged(method, parameters, models, kit[3], weights)
    for order in itertools.permutations(range(len(models))):
        other = _merged(
            method, parameters, [models[n] for n in order], kit[3], [weights[n] for n in order]
        )
        if not torch.allclose(first, other, atol=TOLERANCE):
            yield "order: another order of the models gives another merge (declare symmetric=False)"


def _weights(method: MergeMethod, parameters: Checked, kit: Sequence[Tensor]) -> Iterator[str]:
    for place in (0, 1):
        weights = [float(n == place) for n in (0, 1)]
        merged = _merged(method, parameters, kit[:2], kit[3], weights)
        worst = float((merged - kit[place]).abs().max())
        if not worst <= TOLERANCE:
            yield f"weights: one for a model and zero for the other leaves {worst:.1e} of it"
