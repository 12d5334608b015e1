"""One hard cap on tokens and money: set aside before an ask, settled after it, also when it fails.

What is set aside is the most that an honest server can count: a token of prompt for each byte, and
every token that the reply may have. What may be overdrawn is what a server counts beyond that, or
what attempts that broke off cost besides. From the next ask on it counts in full.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from agent.budget import Budget, Reservation, Spend
from agent.endpoint.endpoint import Endpoint
from agent.endpoint.estimate import most_prompt_tokens, prompt_tokens
from agent.endpoint.message import Answer, Ask, Role, Usage, Voice
from agent.endpoint.prices import PriceTable
from sandbox.errors import BadInput, EndpointRefused, MindFailed

Record = Callable[[str, Usage, float | None], None]
"""Told of every ask that cost something: its key, tokens, dollars; None where no price is known."""
FOR_REPORT: frozenset[Role] = frozenset(("write", "review"))
"""What is asked for the report may use the wall time that is kept back for it."""


class Purse:
    """The budget, seen by asks. Threads may share it; `record` is called by one at a time.

    A budget without dollars lets models without a price be asked, whose cost is then unknown.
    """

    def __init__(
        self,
        budget: Budget,
        prices: PriceTable,
        endpoint: Endpoint,
        record: Record = lambda key, usage, dollars: None,
    ) -> None:
        self._budget = budget
        self._prices = prices
        self._endpoint = endpoint
        self._record = record
        self._lock = threading.Lock()

    def reserve(self, ask: Ask) -> Reservation:
        """Set aside the most that the ask should cost.

        Raises BudgetSpent when a cap would be passed, EndpointRefused when dollars are capped and
        the model's price is not known.
        """
        model = self._endpoint.model_for(ask.role)
        most = Usage(most_prompt_tokens(ask), ask.most_tokens, measured=False)
        dollars = self._prices.cost(model, most)
        if dollars is None and self._budget.caps.dollars > 0:
            refused = EndpointRefused(_unpriced(model), self._prices.mend(model))
            refused.spent = (0, 0)
            raise refused
        asked = Spend(tokens=most.tokens, dollars=dollars or 0.0)
        return self._budget.reserve(
            asked, f"asking for {ask.key}", for_report=ask.role in FOR_REPORT
        )

    def settle(self, held: Reservation, ask: Ask, usage: Usage) -> None:
        """Count what the ask cost instead of what was set aside for it."""
        dollars = self._prices.cost(self._endpoint.model_for(ask.role), usage)
        self._budget.settle(held, Spend(tokens=usage.tokens, dollars=dollars or 0.0))
        if usage.tokens:
            with self._lock:
                self._record(ask.key, usage, dollars)


class Metered:
    """A voice that is paid for."""

    def __init__(self, voice: Voice, purse: Purse) -> None:
        self._voice = voice
        self._purse = purse

    def ask(self, ask: Ask) -> Answer:
        """The voice's answer. Raises what it raises, and BudgetSpent before it is asked."""
        held = self._purse.reserve(ask)
        usage = Usage(prompt_tokens(ask), 0, measured=False)
        try:
            answer = self._voice.ask(ask)
            usage = answer.usage
        except MindFailed as failed:
            if failed.spent is not None:
                usage = Usage(*failed.spent, measured=False)
            raise
        finally:
            self._purse.settle(held, ask, usage)
        return answer


def check_money(endpoint: Endpoint, prices: PriceTable, caps: Spend) -> None:
    """Raise BadInput, before a run begins, where no ask could be paid for.

    That is so when dollars are capped and a model has no price, and when a model has a price and
    the budget no dollars.
    """
    if caps.tokens <= 0:
        raise BadInput("the budget has no tokens", "add `budget: {tokens: 1000000}` to the topic")
    for model in _models(endpoint):
        price = prices.find(model)
        if price is None and caps.dollars > 0:
            raise BadInput(_unpriced(model), prices.mend(model))
        if price is not None and (price.input or price.output) and caps.dollars <= 0:
            raise BadInput(
                f"the model {model!r} costs money and the budget has no dollars",
                "add `budget: {dollars: 5}` to the topic",
            )


def _models(endpoint: Endpoint) -> Iterable[str]:
    return dict.fromkeys([endpoint.model, *endpoint.models.values()])


def _unpriced(model: str) -> str:
    return f"price missing: dollars are capped and nobody knows what {model!r} costs"
