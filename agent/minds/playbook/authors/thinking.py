"""What models that think in ticks are made of and trained on: one sentence a part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tools.architectures.ticks import Ticks

_ALL = (
    "A model that thinks in ticks asks attention over its embedded input again at every tick, and "
    "gives the answer of the tick that it is most certain of, by the entropy of its answers "
    "{{citep:darlow2025ctm}}."
)
_PARTS: Sequence[tuple[Callable[[Ticks], bool], str]] = (
    (
        lambda spec: spec.thinker == "machine",
        "A continuous thought machine gives each of its neurons a private model over the neuron's "
        "last pre-activations, which synapses make of what was seen and of all activations "
        "{{citep:darlow2025ctm}}.",
    ),
    (
        lambda spec: spec.thinker == "machine" and spec.readout == "synchronisation",
        "With a synchronisation readout, the answer is a linear function of products of pairs of "
        "activations, summed over the ticks so far with a learned decay for each pair "
        "{{citep:darlow2025ctm}}.",
    ),
    (
        lambda spec: spec.thinker == "machine" and spec.readout == "state",
        "With a state readout, it is a linear function of the activations at the tick itself; "
        "everything else, the query included, stays as it is.",
    ),
    (
        lambda spec: spec.thinker == "lstm",
        "The LSTM takes the place of neurons, synapses and synchronisation: its hidden state asks "
        "the same attention at every tick and is read linearly.",
    ),
    (
        lambda spec: spec.thinker == "mlp",
        "The feed-forward network reads the embedded tokens side by side through a single hidden "
        "layer, without attention or recurrence.",
    ),
    (
        lambda spec: spec.passes == 1 and spec.thinker != "mlp",
        "With a single tick the same model answers after its first look.",
    ),
    (
        lambda spec: spec.front == "convolution",
        "Images pass through a few convolutions before the attention.",
    ),
)


def sentences(specs: Iterable[Ticks]) -> tuple[str, ...]:
    """What these models are made of, and where they differ; nothing without any."""
    specs = tuple(specs)
    parts = tuple(text for has, text in _PARTS if any(has(spec) for spec in specs))
    return (_ALL, *parts) if specs else ()


def taught(specs: Iterable[Ticks]) -> str:
    """What they minimise, as the object of a sentence."""
    early = any(spec.early for spec in specs)
    first = (
        ", after a share of the steps, fixed in the plan and with a schedule of its own, in which "
        "every tick counts alike"
    )
    return (
        "of models that think in ticks, the mean of the cross-entropies at the tick of least loss "
        f"and at the most certain tick {{{{citep:darlow2025ctm}}}}{first * early}"
    )
