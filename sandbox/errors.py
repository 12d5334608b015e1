"""Everything Hanji raises on purpose, in one tree.

    HanjiError
    +- BadInput             the call, a topic, a recipe or a plan is wrong: exit code 2
    |  +- UnknownName       a registry has no such entry; the message lists the known ones
    |  +- PlanRefused       a plan that could not decide, or whose data were already seen
    +- SandboxError
    |  +- SandboxUnavailable  the machine cannot confine; says what to install or switch on
    |  +- OutputRejected      what came out of a sandbox is not what the policy allows
    +- NothingToCompare     no seed of an experiment has both of its sides
    +- LedgerBroken         a line, a link of the chain or a digest does not hold
    +- BudgetSpent          no more may be reserved: exit code 3
    +- SourceUnreachable    a source of literature gave no answer, which is not an answer of none
    +- CannotResume         the run on disk does not fit this version or is not resumable
    +- MindFailed           a mind gave no usable reply
    |  +- EndpointRefused      the server will never answer this: key, address or model is wrong
    |  +- EndpointUnreachable  the server did not answer in time, or not to the end
    |  +- RequestTooLong       this request does not fit into the model's context; others may
    |  +- ReplyUnusable        it answered, and its second try is not what was asked for either
    +- PaperError
       +- UnbackedNumber    a number in prose cites no evidence, or its reference does not resolve
       +- TexMissing        no TeX on this machine
       +- TexFailed         TeX ran and made no PDF

Each carries `what` happened (and where) and `fix`, what to do about it.
"""

from __future__ import annotations


class HanjiError(Exception):
    """A failure that a person can act on: one sentence for what, one for the mend."""

    exit_code = 1

    def __init__(self, what: str, fix: str = "") -> None:
        self.what = what
        self.fix = fix
        super().__init__(f"{what} ({fix})" if fix else what)


class BadInput(HanjiError):
    """The call or a file that the person gave is wrong."""

    exit_code = 2


class UnknownName(BadInput):
    """A registry has no entry of that name."""

    def __init__(self, kind: str, name: str, known: list[str]) -> None:
        super().__init__(f"unknown {kind} {name!r}", f"known: {', '.join(sorted(known))}")


class PlanRefused(BadInput):
    """A plan that cannot decide its hypothesis honestly."""


class SandboxError(HanjiError):
    """Something about confinement failed."""


class SandboxUnavailable(SandboxError):
    """This machine cannot confine as asked."""


class OutputRejected(SandboxError):
    """An output is not a plain, bounded file of the kind the policy allows."""


class NothingToCompare(HanjiError):
    """No seed of an experiment has both its treatment and its control."""


class LedgerBroken(HanjiError):
    """The ledger's chain or a digest does not hold."""


class BudgetSpent(HanjiError):
    """A reservation would exceed a cap."""

    exit_code = 3


class SourceUnreachable(HanjiError):
    """A source of literature did not answer, or not with what such a source answers."""


class CannotResume(HanjiError):
    """The run on disk cannot be continued by this version."""


class MindFailed(HanjiError):
    """A mind gave no usable reply.

    spent: tokens (of the prompt, of the reply) that the attempt cost or may have cost; None when
    nobody can tell.
    """

    spent: tuple[int, int] | None = None


class EndpointRefused(MindFailed):
    """A language model's server refuses for good; asking again would change nothing."""


class EndpointUnreachable(MindFailed):
    """A language model's server is not there, too slow, or broke off, and retries did not help."""


class RequestTooLong(MindFailed):
    """A request and its reply do not fit into the model's context; shorter ones may."""


class ReplyUnusable(MindFailed):
    """A language model's reply is empty, withheld, endless, or not of the shape asked for."""


class PaperError(HanjiError):
    """The paper could not be built as written."""


class UnbackedNumber(PaperError):
    """A number that no evidence backs."""


class TexMissing(PaperError):
    """No TeX distribution was found."""


class TexFailed(PaperError):
    """TeX ran and made no PDF."""
