"""Objectives with a small model each, for the tests of what they teach."""

import torch

from tools.architectures.architecture import Architecture, Choice, Layer
from tools.architectures.objective import find_objective
from tools.tasks.sequence import NOT_ASKED

ATTENTION = Layer(mixer=Choice(block="softmax_attention"), channel=Choice(block="glu"))
SMALL = Architecture(width=16, layers=(ATTENTION,))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def made(name, given=None, vocabulary=3, architecture=SMALL, seed=0):
    torch.manual_seed(seed)
    aim = find_objective(name).make(given)
    return aim, aim.model(architecture, vocabulary).double()


def nothing_asked(tokens):
    return torch.full_like(tokens, NOT_ASKED)
