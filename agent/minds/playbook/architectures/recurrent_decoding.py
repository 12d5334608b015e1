"""A state of constant size writes faster after a long text than a cache that grows."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms, speed_arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "recurrent_decoding",
    domain="architectures",
    keywords="inference decoding speed throughput latency Mamba faster",
    prior=(2.0, 1.0),
    links={"windowed_decoding": 0.5},
    meaning={
        "supported": "After a long context, a state of constant size saves at least the predicted "
        "time on average, counting only what was written at matched quality.",
        "refuted": "A state of constant size saves less time than was predicted at matched "
        "quality. Its text, or costs of a step other than the cache, may be the reason.",
        "inconclusive": "How much time a state of constant size saves after a long context is not "
        "pinned down by these pairs.",
    },
)
def recurrent_decoding(at: Setting) -> Idea | None:
    """SSD against attention at equal parameters, timed after a long context."""
    if not speed_arms.applies(at):
        return None
    body = arms.of(at, arms.ssd_layer(at), arms.ssd_layer(at))
    return Idea(
        title="A constant state writes faster after a long text",
        statement=(
            "After a context much longer than the texts it is trained on, state space duality "
            "should write many sequences at once faster than attention of as many parameters "
            f"with its cache, with no worse knowledge of unseen text {speed_arms.WHERE}."
        ),
        rationale=(
            "A step of attention reads the keys and values of the whole past, where a step of a "
            "recurrence reads a state of constant size, which is reported to make writing several "
            "times faster {{citep:gu2023mamba,dao2024mamba2}}."
        ),
        prediction="SSD - repeated timing of attention >= 0.50 times its speed",
        refuted_by="the mean difference is below 0.50 and the exact test says so",
        cites=("gu2023mamba", "dao2024mamba2"),
        treatment=(
            speed_arms.against(at, "ssd-writing", "SSD as writer", body, arms.attention_body(at)),
        ),
        control=(speed_arms.attention_again(at),),
        metric="speedup_batch_16",
        predicted_effect=0.5,
    )
