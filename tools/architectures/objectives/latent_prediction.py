"""A world model: the next state's representation, predicted and decoded."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture
from tools.architectures.backbone import Backbone, LayerOfBlocks
from tools.architectures.decode import Generated, Reading, Sampling, choose
from tools.architectures.directions import both_ways
from tools.architectures.norms import new_norm
from tools.architectures.objective import objective
from tools.tasks.sequence import NOT_ASKED


class WorldModel(nn.Module):
    """An encoder of a state's cells, a transition between representations, a decoder.

    questions: in `forward` half of the tokens are question marks for the next state's cells.
    """

    def __init__(
        self, architecture: Architecture, vocabulary: int, outputs: int = 0, questions: bool = False
    ) -> None:
        super().__init__()
        self.questions = questions
        self.encoder = Backbone(both_ways(architecture), vocabulary, outputs)
        self.architecture = self.encoder.architecture
        plain = self.architecture.model_copy(update={"residual": "plain"})
        self.transition = LayerOfBlocks(plain.layers[-1], plain)
        self.norm = new_norm(plain.norm, plain.width)

    def encode(self, state: Tensor) -> Tensor:
        """(B, S) cells -> (B, S, width), normed."""
        return self.encoder.hidden(self.encoder.embed(state))

    def advance(self, latent: Tensor) -> Tensor:
        """The representation one step later, normed."""
        moved: Tensor = self.norm(self.transition(latent))
        return moved

    def decode(self, latent: Tensor) -> Tensor:
        """Logits (B, S, outputs) of the cells."""
        logits: Tensor = self.encoder.head(latent)
        return logits

    def forward(self, state: Tensor) -> Tensor:
        """(B, S) -> logits (B, S, outputs) of each cell one step later.

        With questions (B, 2 S) -> (B, 2 S, outputs): the state as encoded, then the next one.
        """
        if not self.questions:
            return self.decode(self.advance(self.encode(state)))
        latent = self.encode(state[:, : state.shape[1] // 2])
        return self.decode(torch.cat((latent, self.advance(latent)), 1))

    def auxiliary(self) -> Tensor:
        """The blocks' own losses."""
        losses = [getattr(module, "auxiliary", None) for module in self.transition.modules()]
        found = [loss for loss in losses if isinstance(loss, Tensor)]
        return torch.stack([self.encoder.auxiliary(), *found]).sum()


@objective("latent_prediction", source="arXiv:2301.04104", likelihood="exact")
class LatentPrediction:
    """Predict the next state's representation, its target without gradient, and decode it.

    A sequence is one state of T cells, or several states of `cells` each, one after another; a
    target says what its cell is one state later. questions: instead, a state is followed by a
    question mark a cell, where its next value is asked (`life`). steps: how far representations are
    rolled out in training, each step compared and decoded. latent: weight of the representations'
    distance beside the cells' cross-entropy; reconstruction: weight of decoding the state that was
    just encoded.
    """

    def __init__(
        self,
        cells: int = 0,
        steps: int = 1,
        latent: float = 1.0,
        reconstruction: float = 1.0,
        questions: bool = False,
    ) -> None:
        if questions and (cells or steps > 1):
            raise BadInput(
                "latent_prediction: with questions there is one state and one step",
                "leave cells and steps at their defaults",
            )
        if cells < 0 or steps < 1 or min(latent, reconstruction) < 0:
            raise BadInput(
                f"latent_prediction: cells {cells}, steps {steps}, weights {latent}, "
                f"{reconstruction}",
                "steps is 1 or more, the others are not negative",
            )
        self.cells, self.steps = cells, steps
        self.latent, self.reconstruction = latent, reconstruction
        self.questions = questions

    def model(self, architecture: Architecture, vocabulary: int, outputs: int = 0) -> nn.Module:
        """A WorldModel whose encoder sees both ways. Raises BadInput."""
        return WorldModel(architecture, vocabulary, outputs, self.questions)

    def loss(
        self, model: nn.Module, tokens: Tensor, targets: Tensor, draw: torch.Generator
    ) -> Tensor:
        """Nats per cell and step, plus the weighted distances and reconstruction."""
        assert isinstance(model, WorldModel)
        states = self._states(tokens, targets)
        begins = states.shape[1] - self.steps
        if begins < 1:
            raise BadInput(
                f"{states.shape[1]} states are too few to roll out {self.steps} steps",
                "use longer sequences or fewer steps",
            )
        latent = model.encode(states[:, :begins].flatten(0, 1))
        total = self.reconstruction * _nats(model.decode(latent), states[:, :begins])
        for step in range(1, self.steps + 1):
            latent, later = model.advance(latent), states[:, step : step + begins]
            with torch.no_grad():
                truth = model.encode(later.flatten(0, 1))
            apart = (latent - truth).square().mean()
            total = total + (_nats(model.decode(latent), later) + self.latent * apart) / self.steps
        return total

    def bits(
        self, model: nn.Module, tokens: Tensor, targets: Tensor, draw: torch.Generator
    ) -> Tensor:
        """Exact, of the next state's cells one step ahead."""
        assert isinstance(model, WorldModel)
        states = self._states(tokens, targets)
        later = model.decode(model.advance(model.encode(states[:, :-1].flatten(0, 1))))
        return _nats(later, states[:, 1:]) / math.log(2)

    def read(self, model: nn.Module, prompt: Tensor) -> Reading:
        """The last state of the prompt is where the rollout begins."""
        if self.cells and prompt.shape[1] % self.cells:
            raise BadInput(
                f"{prompt.shape[1]} cells are no whole number of states of {self.cells}",
                "give whole states",
            )
        return Reading(prompt)

    @torch.no_grad()
    def write(
        self, model: nn.Module, reading: Reading, length: int, draw: torch.Generator, how: Sampling
    ) -> Generated:
        """The states that follow, rolled out in representations; one step a pass."""
        assert isinstance(model, WorldModel)
        size = self.cells or reading.tokens.shape[1]
        steps = -(-length // size)
        found = rollout(model, reading.tokens[:, -size:], steps, draw, how.temperature)
        later = found.flatten(1)[:, :length]
        return Generated(torch.cat((reading.tokens, later), 1), steps)

    def _states(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """(B, states, cells): those of the tokens, and the last one from the targets."""
        if self.questions:
            half = tokens.shape[1] // 2
            tokens, targets = tokens[:, :half], targets[:, half:]
        size = self.cells or tokens.shape[1]
        if tokens.shape[1] % size or bool((targets[:, -size:] == NOT_ASKED).any()):
            raise BadInput(
                f"the last {size} targets are not a whole next state",
                "ask for every cell of the next state, and set `cells` to those of one state",
            )
        both = torch.cat((tokens, targets[:, -size:]), 1)
        asked = targets != NOT_ASKED
        if not bool((both[:, size:] == targets)[asked].all()):
            raise BadInput("a target is not its cell's next value", "set `cells` to one state's")
        return both.view(len(both), -1, size)


@torch.no_grad()
def rollout(
    model: WorldModel,
    state: Tensor,
    steps: int,
    draw: torch.Generator | None = None,
    temperature: float = 0.0,
) -> Tensor:
    """(B, S) -> (B, steps, S): the cells after each step, decoded from representations alone."""
    draw = draw or torch.Generator(state.device)
    latent, found = model.encode(state), []
    for _ in range(steps):
        latent = model.advance(latent)
        found.append(choose(model.decode(latent), temperature, draw))
    return torch.stack(found, 1)


def rollout_accuracy(model: WorldModel, states: Tensor) -> list[float]:
    """Share of right cells after each step. states: (B, steps + 1, S), the first one given."""
    found = rollout(model, states[:, 0], states.shape[1] - 1)
    return [float(share) for share in (found == states[:, 1:]).double().mean((0, 2))]


def _nats(logits: Tensor, states: Tensor) -> Tensor:
    return nnf.cross_entropy(logits.flatten(0, 1), states.flatten())
