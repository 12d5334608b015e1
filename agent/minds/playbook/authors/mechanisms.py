"""One sentence for every part of an architecture that a run used, with its source.

A block without a sentence here, such as one written by hand, is named and left to its own file.
Blocks are never imported for this: the code of a candidate runs in the sandbox alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from pydantic import JsonValue

from tools.architectures.architecture import EMBEDDING_STD, Architecture, Choice

BLOCKS: Mapping[str, str] = {
    "softmax_attention": "Softmax attention weighs all earlier positions by the similarity of a "
    "query and their keys {{citep:vaswani2017attention}}.",
    "linear_attention": "Linear attention replaces that similarity by a product of feature maps, "
    "so that the past fits a sum of constant size {{citep:katharopoulos2020linear}}.",
    "retention": "Retention lets such a sum decay at a fixed rate for each head "
    "{{citep:sun2023retnet}}.",
    "gated_linear_attention": "Gated linear attention chooses the decay of every feature from the "
    "input {{citep:yang2024gla}}.",
    "state_space_dual": "State space duality (SSD), the mixer of the later Mamba, keeps a "
    "state that decays by a scalar for each head, chosen from the input {{citep:dao2024mamba2}}.",
    "delta_net": "DeltaNet writes by the delta rule, which replaces what is stored under a key "
    "instead of adding to it {{citep:schlag2021fwp,yang2024deltanet}}.",
    "gated_delta_net": "Gated DeltaNet lets the state decay before it is written by the delta rule "
    "{{citep:yang2025gateddelta}}.",
    "rwkv": "The time mixing of RWKV generalises the delta rule, with a decay for every feature "
    "{{citep:peng2025rwkv7}}.",
    "rg_lru": "RG-LRU is the gated linear recurrence of Griffin {{citep:de2024griffin}}.",
    "long_convolution": "The long convolution of Hyena filters the whole past with an implicit "
    "kernel between gates {{citep:poli2023hyena}}.",
    "short_convolution": "A short convolution alone mixes neighbouring positions "
    "{{citep:poli2023hyena}}.",
    "differential_attention": "Differential attention subtracts a second attention map from the "
    "first {{citep:ye2025diff}}.",
    "grouped_differential_attention": "Grouped differential attention gives the subtracted map "
    "fewer heads than the other {{citep:lim2025gda}}.",
    "latent_attention": "Latent attention caches a compressed vector instead of keys and values "
    "{{citep:deepseek2024v2}}.",
    "bidirectional_attention": "Bidirectional attention sees later positions as well, as models "
    "that fill in masks need.",
    "block_attention": "Block attention sees finished blocks and the whole of its own "
    "{{citep:arriola2025block}}.",
    "glu": "SwiGLU, a channel mixer, multiplies a linear path by a gate {{citep:shazeer2020glu}}.",
    "mlp": "The MLP, a channel mixer, is a network of a single hidden layer "
    "{{citep:vaswani2017attention}}.",
    "poly_norm": "PolyNorm activates by a learned polynomial of normalised powers "
    "{{citep:zhuo2025polycom}}.",
    "mixture_of_experts": "A mixture of experts sends each position through a few of many channel "
    "mixers {{citep:shazeer2017moe,fedus2022switch}}.",
}
"""Block -> what it does, in an order in which a sentence may refer to those before it."""

Uses = Callable[[Mapping[str, JsonValue]], bool]
_VARIANTS: Sequence[tuple[str, Uses, str]] = (
    (
        "softmax_attention",
        lambda given: bool(given.get("window")),
        "Windowed attention sees the latest positions alone {{citep:de2024griffin}}.",
    ),
    (
        "softmax_attention",
        lambda given: bool(given.get("groups")),
        "With shared keys, several heads of queries read the same keys and values "
        "{{citep:shazeer2019mqa,ainslie2023gqa}}.",
    ),
    (
        "softmax_attention",
        lambda given: given.get("positions", "rotary") == "rotary",
        "Attention has rotary positions {{citep:su2021roformer}} unless an arm is named for "
        "other ones.",
    ),
)
_TOPOLOGY: Sequence[tuple[Callable[[Architecture], bool], str]] = (
    (
        lambda body: any(layer.convolution for layer in body.layers),
        "Where an arm has convolutions, a short depthwise causal convolution stands before each of "
        "its sequence mixers {{citep:fu2023h3,gu2023mamba}}.",
    ),
    (
        lambda body: body.norm_place == "post",
        "Norms after the mixers normalise the sum of a mixer and its input "
        "{{citep:vaswani2017attention}}.",
    ),
    (
        lambda body: body.norm_place == "sandwich",
        "Sandwich norms stand before and after a mixer.",
    ),
    (
        lambda body: body.parallel,
        "Parallel mixers read the same input, instead of one after the other.",
    ),
    (
        lambda body: body.loops > 1,
        "Looped layers are passed again with the same weights {{citep:dehghani2019universal}}.",
    ),
    (
        lambda body: body.residual == "scaled",
        "Scaled residuals give every branch a learned gain.",
    ),
    (
        lambda body: body.residual == "hyper",
        "Hyper-connections widen the residual stream into several, with learned connections "
        "between them.",
    ),
    (
        lambda body: body.embedding_std > EMBEDDING_STD,
        "Embeddings that start wide are drawn from a wider normal distribution than is usual in "
        "models of this kind.",
    ),
)
NORMS = {
    "rms": "by its root mean square {{citep:zhang2019rmsnorm}}",
    "layer": "by its mean and variance",
}


def sentences(bodies: Iterable[Architecture]) -> tuple[str, ...]:
    """What these architectures are made of: blocks first, then variants, then topology."""
    bodies = tuple(bodies)
    chosen = [choice for body in bodies for choice in _choices(body)]
    used = {choice.block for choice in chosen}
    names = (*(name for name in BLOCKS if name in used), *sorted(used - BLOCKS.keys()))
    variants = [text for block, uses, text in _VARIANTS if _any(chosen, block, uses)]
    topology = [text for has, text in _TOPOLOGY if any(has(body) for body in bodies)]
    return (*(_block(name) for name in names), *variants, *topology)


def _choices(body: Architecture) -> list[Choice]:
    found = [choice for layer in body.layers for choice in (layer.mixer, layer.channel)]
    return [choice for choice in found if choice is not None]


def _any(chosen: Iterable[Choice], block: str, uses: Uses) -> bool:
    return any(choice.block == block and uses(choice.parameters) for choice in chosen)


def _block(name: str) -> str:
    unlisted = f"The block {{{{code:{name}}}}} is described in its own source file."
    return BLOCKS.get(name, unlisted)
