"""Weights kept in a smaller form and unpacked where they are used; what a model's tensors weigh."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, TypeAlias

from torch import Tensor, nn
from torch.nn.utils import parametrize

FEWEST = 8
"""Weights with shorter rows are left as they are: a scale or a mask would outweigh the gain."""


class Packing(nn.Module, ABC):
    """A form in which a weight is kept. `right_inverse` gives what is kept of it, `forward` it.

    trainable: whether what is kept can be trained on.
    """

    trainable: ClassVar[bool] = True

    @abstractmethod
    def right_inverse(self, weight: Tensor) -> tuple[Tensor, ...]:
        """What is kept of the weight."""


Choose: TypeAlias = Callable[[Tensor, Sequence[nn.Module]], Packing | None]
"""choose(weight, modules that use it) -> the form to keep it in, None to leave it as it is."""


def pack(model: nn.Module, choose: Choose) -> None:
    """Keep weights in other forms, in place. A weight that several modules share is kept once."""
    for weight, places in _weights(model).values():
        form = choose(weight.detach(), [module for module, _ in places])
        if form is None:
            continue
        weight.requires_grad_(form.trainable)
        kept: Mapping[str, nn.Parameter] = {}
        for module, name in places:
            parametrize.register_parametrization(module, name, form, unsafe=True)
            packed = module.get_submodule(f"parametrizations.{name}")
            kept = kept or dict(packed.named_parameters(recurse=False))
            for key, part in kept.items():
                setattr(packed, key, part)


def weight_bytes(model: nn.Module) -> int:
    """Bytes of all parameters and buffers as they are kept; shared storage counts once."""
    storages = [t.untyped_storage() for t in (*model.parameters(), *model.buffers())]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def worth_packing(weight: Tensor) -> bool:
    """Whether it is a matrix, or several, with rows long enough."""
    return weight.dim() > 1 and weight.shape[-1] >= FEWEST and weight.is_floating_point()


def _weights(model: nn.Module) -> dict[int, tuple[nn.Parameter, list[tuple[nn.Module, str]]]]:
    """Every parameter with the places where it is used."""
    found: dict[int, tuple[nn.Parameter, list[tuple[nn.Module, str]]]] = {}
    for module in model.modules():
        for name, weight in module.named_parameters(recurse=False):
            found.setdefault(id(weight), (weight, []))[1].append((module, name))
    return found
