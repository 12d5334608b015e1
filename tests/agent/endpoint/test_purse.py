import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent.budget import Budget, Spend
from agent.endpoint.client import Client
from agent.endpoint.endpoint import Endpoint
from agent.endpoint.estimate import prompt_tokens
from agent.endpoint.message import Answer, Ask, Message, Usage
from agent.endpoint.prices import Price, PriceTable, read_prices
from agent.endpoint.purse import Metered, Purse, check_money
from agent.endpoint.scripted_server import ScriptedServer
from agent.endpoint.server import serve
from sandbox.errors import BadInput, BudgetSpent, EndpointRefused, EndpointUnreachable

ENDPOINT = Endpoint(base_url="http://127.0.0.1:1/v1", model="m", models={"write": "w"})
PRICED = PriceTable({"m": Price(input=2.0, output=10.0), "w": Price(input=0.0, output=0.0)})


def asking(key="k", role="propose", most_tokens=100):
    return Ask(key, role, (Message("user", "Say it."),), most_tokens=most_tokens)


def budget(tokens=10_000, dollars=0.0, wall_s=1000.0):
    return Budget(Spend(wall_s=wall_s, tokens=tokens, dollars=dollars))


class Says:
    """A voice that costs what it is told to, or raises."""

    def __init__(self, *ends):
        self.ends = list(ends)
        self.asked = []

    def ask(self, ask):
        self.asked.append(ask.key)
        end = self.ends.pop(0)
        if isinstance(end, BaseException):
            raise end
        return Answer("text", (), "stop", end, "m")


def metered(voice, held, prices=None):
    lines = []
    purse = Purse(held, prices or PriceTable({}), ENDPOINT, lambda *line: lines.append(line))
    return Metered(voice, purse), lines


def test_an_answer_costs_what_the_server_counted():
    held = budget(dollars=1.0)
    voice, lines = metered(Says(Usage(40, 60)), held, PRICED)
    voice.ask(asking())
    assert held.spent().tokens == 100
    assert held.spent().dollars == pytest.approx((40 * 2 + 60 * 10) / 1e6)
    assert lines == [("k", Usage(40, 60), held.spent().dollars)]


def test_an_ask_that_could_pass_the_cap_is_not_sent():
    held, voice = budget(tokens=105), Says()
    with pytest.raises(BudgetSpent, match="asking for k would pass the budget's tokens"):
        metered(voice, held)[0].ask(asking())
    assert voice.asked == []
    assert held.spent().tokens == 0


def test_money_is_set_aside_by_what_the_longest_reply_would_cost():
    with pytest.raises(BudgetSpent, match="dollars"):
        metered(Says(), budget(dollars=0.0009), PRICED)[0].ask(asking())
    metered(Says(Usage(11, 1)), budget(dollars=0.0011), PRICED)[0].ask(asking())


def test_a_missing_price_is_refused_before_the_call_when_money_is_capped():
    voice = Says()
    with pytest.raises(EndpointRefused, match="price missing") as refused:
        metered(voice, budget(dollars=1.0))[0].ask(asking())
    assert "`prices` in [endpoint]" in refused.value.fix
    assert voice.asked == []


def test_without_a_money_cap_an_unknown_price_is_recorded_as_unknown():
    voice, lines = metered(Says(Usage(40, 60)), budget())
    voice.ask(asking())
    assert lines == [("k", Usage(40, 60), None)]


def test_a_model_that_costs_nothing_needs_no_dollars():
    voice, lines = metered(Says(Usage(40, 60)), budget(), PRICED)
    voice.ask(asking(role="write"))
    assert lines[0][2] == 0.0


@pytest.mark.parametrize(
    ("failure", "spent", "tokens"),
    [
        (EndpointUnreachable("gone"), None, prompt_tokens(asking())),
        (EndpointUnreachable("broke off"), (30, 7), 37),
        (EndpointRefused("401"), (0, 0), 0),
        (KeyboardInterrupt(), None, prompt_tokens(asking())),
    ],
)
def test_a_failed_ask_costs_what_it_may_have_cost(failure, spent, tokens):
    if spent is not None:
        failure.spent = spent
    held = budget()
    voice, lines = metered(Says(failure), held)
    with pytest.raises(type(failure)):
        voice.ask(asking())
    assert held.spent().tokens == tokens
    assert len(lines) == (tokens > 0)
    assert held.left().tokens == 10_000 - tokens


def test_the_report_may_be_asked_for_when_the_time_for_research_is_over():
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    clock = Clock()
    held = Budget(Spend(wall_s=1000.0, tokens=1000), clock=clock)
    clock.now = 1000 - held.report_s / 2
    with pytest.raises(BudgetSpent, match="wall_s"):
        metered(Says(), held)[0].ask(asking())
    metered(Says(Usage(1, 1)), held)[0].ask(asking(role="write"))


def test_threads_over_http_never_pass_the_cap():
    server = ScriptedServer.of({"text": "word " * 40, "after_s": 0.02, "repeat": "forever"})
    held = budget(tokens=1500)
    in_flight, most, lock = [0], [0], threading.Lock()

    def one(number):
        try:
            with lock:
                in_flight[0] += 1
                most[0] = max(most[0], in_flight[0])
            voice.ask(asking(f"k{number}"))
        except BudgetSpent:
            return 0
        finally:
            with lock:
                in_flight[0] -= 1
        return 1

    with serve(server) as served:
        endpoint = Endpoint(base_url=served.base_url, model="m", stream=False, timeout_s=30)
        voice, lines = metered(Client(endpoint, {}), held)
        with ThreadPoolExecutor(8) as pool:
            answered = sum(pool.map(one, range(40)))
    spent = held.spent().tokens
    print(f"{answered} of 40 answered, {spent} of 1500 tokens, up to {most[0]} in flight")
    assert most[0] > 1
    assert 5 < answered < 40
    assert len(server.requests) == answered
    assert spent == sum(usage.tokens for _, usage, _ in lines) <= 1500


def test_a_server_that_overruns_every_reservation_passes_the_cap_once_and_no_more():
    held = budget(tokens=1000)
    voice, _ = metered(Says(Usage(11, 400), Usage(11, 400), Usage(11, 400)), held)
    for number in range(2):
        voice.ask(asking(str(number)))
    voice.ask(asking("last"))
    print(f"passed by {held.spent().tokens - 1000} tokens, one reply of 411 not foreseen in full")
    assert held.spent().tokens - 1000 == 233 < 411
    with pytest.raises(BudgetSpent):
        voice.ask(asking("one more"))


# ---- the price table ----


def test_a_price_table_is_read_as_dollars_for_a_million_tokens(tmp_path):
    file = tmp_path / "prices.yaml"
    file.write_text("m: {input: 2, output: 8.5}\n")
    table = read_prices(file)
    assert table.cost("m", Usage(1_000_000, 2_000_000)) == 19.0
    assert table.cost("other", Usage(1, 1)) is None
    assert str(file) in table.mend("other")
    assert read_prices(None).find("m") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("m: {input: 2}", "m.output"),
        ("m: {input: -1, output: 1}", "m.input"),
        ("m: {input: .nan, output: 1}", "m.input"),
        ("m: {input: '2', output: 1}", "m.input"),
        ("m: 3", "m"),
        ("- 3", "the whole"),
        ("m: {input: 2", "not YAML"),
    ],
)
def test_a_wrong_price_table_is_refused_by_field(tmp_path, text, said):
    file = tmp_path / "prices.yaml"
    file.write_text(text)
    with pytest.raises(BadInput, match=said) as bad:
        read_prices(file)
    assert "prices.yaml" in bad.value.what
    assert "{input: 2.5, output: 10}" in bad.value.fix


def test_a_price_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"none\.yaml: No such file"):
        read_prices(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("prices", "caps", "said"),
    [
        (PriceTable({}), Spend(tokens=1, dollars=1.0), "price missing"),
        (PRICED, Spend(tokens=1), "costs money and the budget has no dollars"),
        (PRICED, Spend(dollars=1.0), "no tokens"),
    ],
)
def test_a_run_that_could_pay_for_nothing_is_refused_before_it_begins(prices, caps, said):
    with pytest.raises(BadInput, match=said):
        check_money(ENDPOINT, prices, caps)


def test_a_run_may_begin_without_prices_or_with_both():
    check_money(ENDPOINT, PriceTable({}), Spend(tokens=1))
    check_money(ENDPOINT, PRICED, Spend(tokens=1, dollars=1.0))
