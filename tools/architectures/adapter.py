"""A model of the transformers library with a Backbone's interface: logits, caches, counts."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from sandbox.errors import BadInput, UnknownName
from tools.architectures.backbone import Backbone, States
from tools.architectures.family_recipes import RECIPES, usual_fields
from tools.architectures.foreign import Candidate, Foreign
from tools.architectures.thinker import Thinker
from tools.architectures.ticks import Ticks

if TYPE_CHECKING:
    from transformers import Cache, PreTrainedConfig, PreTrainedModel

CACHES = ("past_key_values", "cache_params")
"""What families call their cache."""


class Remembered(dict[str, Tensor]):
    """A family's own cache, seen as the tensors that it holds. It is changed in place.

    A step uses up the state that it is given.
    """

    def __init__(self, cache: Cache, seen: int, batch: int) -> None:
        super().__init__(_tensors(cache))
        self.cache, self.seen, self.batch, self.used = cache, seen, batch, False


class Adapter(nn.Module):
    """Tokens to logits, by a model that transformers builds from a configuration.

    Raises UnknownName for a family that writes no text, BadInput for settings that do not fit it.
    """

    chunks = True
    """Decoding reads several positions in one step, from the start."""

    def __init__(self, foreign: Foreign, vocabulary: int, outputs: int = 0) -> None:
        super().__init__()
        outputs = outputs or vocabulary
        if foreign.tied and outputs != vocabulary:
            raise BadInput(
                f"{outputs} outputs cannot share the weights of {vocabulary} inputs",
                "set tied to false",
            )
        self.architecture = foreign
        self.inner = _built(foreign, vocabulary)
        if outputs != vocabulary:
            old = self.inner.get_output_embeddings()  # type: ignore[no-untyped-call]
            head = nn.Linear(old.in_features, outputs, bias=old.bias is not None)
            nn.init.normal_(head.weight, std=getattr(self.inner.config, "initializer_range", 0.02))
            self.inner.set_output_embeddings(head)  # type: ignore[no-untyped-call]
        accepted = inspect.signature(self.inner.forward).parameters
        self._cached_as = next((name for name in CACHES if name in accepted), "")
        self._auxiliary: Tensor | None = None

    @property
    def embedding(self) -> nn.Module:
        """The table of the tokens."""
        table: nn.Module = self.inner.get_input_embeddings()
        return table

    @property
    def head(self) -> nn.Linear:
        """The last matrix."""
        head: nn.Linear = self.inner.get_output_embeddings()  # type: ignore[no-untyped-call]
        return head

    @property
    def idle_parameters(self) -> int:
        """Those of the experts that one token does not go through."""
        chosen = getattr(self.inner.config, "num_experts_per_tok", None)
        routed = [p for name, p in self.inner.named_parameters() if ".experts." in name]
        if chosen is None:
            return 0
        return sum(p.numel() // len(p) * (len(p) - chosen) for p in routed)

    @cached_property
    def decodes(self) -> bool:
        """Whether the family, as it is configured, steps from a cache that can be read."""
        try:
            token = torch.zeros(1, dtype=torch.long, device=self.head.weight.device)
            states = self.step(token, self.start(1), 0)[1]
            self.step(token, states, 1)
        except BadInput:
            return False
        return True

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) -> logits (B, T, outputs)."""
        found = self.inner(tokens, use_cache=False)
        self._auxiliary = getattr(found, "aux_loss", None)
        logits: Tensor = found.logits
        return logits

    def auxiliary(self) -> Tensor:
        """The balance loss of families with experts, weighted as they weight it; else zero."""
        strength = getattr(self.inner.config, "router_aux_loss_coef", 0.0)
        if self._auxiliary is None or not isinstance(self._auxiliary, Tensor):
            return self.head.weight.new_zeros(())
        return float(strength or 0.0) * self._auxiliary

    def start(self, batch: int) -> States:
        """One state for all layers, empty. Raises BadInput for a family without such a cache."""
        from transformers import DynamicCache

        if not self._cached_as:
            raise BadInput(
                f"{self.architecture.family} keeps no cache that can be measured",
                "use another family for decoding",
            )
        return [Remembered(DynamicCache(config=self.inner.config), 0, batch)]

    def step(self, token: Tensor, states: States, position: int | Tensor) -> tuple[Tensor, States]:
        """Tokens (B,) or (B, n) that follow those seen, as `Backbone.step` has them.

        Raises BadInput for a state that was stepped from before, or for another position.
        """
        (state,) = states
        assert isinstance(state, Remembered)
        first = int(position if isinstance(position, int) else position.flatten()[0])
        if state.used or first != state.seen:
            raise BadInput(
                f"a cache after {state.seen} tokens that was used up, or asked for token {first}",
                "step from the newest state, to the next position",
            )
        state.used = True
        tokens = token if token.dim() == 2 else token[:, None]
        given: dict[str, Any] = {self._cached_as: state.cache}
        try:
            with torch.no_grad():
                logits = self.inner(tokens, use_cache=True, **given).logits
        except (ValueError, AttributeError) as error:
            reason = " ".join(str(error).split())[:160]
            raise BadInput(
                f"{self.architecture.family} does not step from its cache: {reason}",
                "change its settings, or use another family for decoding",
            ) from error
        after = Remembered(state.cache, state.seen + tokens.shape[1], state.batch)
        return logits if token.dim() == 2 else logits[:, 0], [after]


def built(candidate: Candidate, vocabulary: int, outputs: int = 0, length: int = 1) -> nn.Module:
    """The untrained model of a candidate of any kind. Raises BadInput, UnknownName.

    length: positions of the input, which only a model that thinks in ticks is built for.
    """
    if isinstance(candidate, Ticks):
        return Thinker(candidate, vocabulary, length, outputs or vocabulary)
    if isinstance(candidate, Foreign):
        return Adapter(candidate, vocabulary, outputs)
    return Backbone(candidate, vocabulary, outputs)


def _built(foreign: Foreign, vocabulary: int) -> PreTrainedModel:
    from transformers import AutoModelForCausalLM

    config = _config(foreign, vocabulary)
    # Experts one by one: their products are counted, which those of grouped kernels are not.
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
            config, experts_implementation="eager"
        )
    except (ValueError, TypeError, RuntimeError, AssertionError, KeyError) as error:
        reason = " ".join(str(error).split())[:160]
        raise BadInput(
            f"{foreign.family} cannot be built: {reason}", "change its width, heads or settings"
        ) from error
    return model


def _config(foreign: Foreign, vocabulary: int) -> PreTrainedConfig:
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    if foreign.family not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        raise UnknownName("family", foreign.family, list(RECIPES))
    usual = usual_fields(foreign, vocabulary)
    known = AutoConfig.for_model(foreign.family)
    fitting = {name: value for name, value in usual.items() if hasattr(known, name)}
    special = RECIPES[foreign.family](foreign) if foreign.family in RECIPES else {}
    for name in foreign.settings:
        if not hasattr(known, name):
            raise BadInput(
                f"{foreign.family} has no setting {name!r}", "see the family's configuration"
            )
    try:
        return AutoConfig.for_model(foreign.family, **(fitting | special | foreign.settings))
    except (ValueError, TypeError, KeyError, StrictDataclassError) as error:
        reason = " ".join(str(error).split())[:160]
        raise BadInput(f"{foreign.family}: {reason}", "change its settings") from error


def _tensors(cache: Cache) -> Iterator[tuple[str, Tensor]]:
    """Every tensor that the layers of a cache hold, under its name."""
    for number, layer in enumerate(cache.layers):
        for name, value in vars(layer).items():
            parts = value.items() if isinstance(value, dict) else [("", value)]
            for key, part in parts:
                if isinstance(part, Tensor):
                    yield f"{number}.{name}{key}", part
