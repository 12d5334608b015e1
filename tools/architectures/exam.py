"""How a sequence task asks a trained model: at once, from one position, or step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import nn

from sandbox.errors import BadInput
from tools.architectures.backbone import Backbone
from tools.architectures.directions import looks_ahead
from tools.architectures.foreign import Candidate, Foreign
from tools.architectures.last_readout import LastReadout
from tools.architectures.objective import Aim, TeachesForeign
from tools.architectures.objectives.next_token import NextToken
from tools.architectures.predict import Fit, fit, predict, predict_logits
from tools.architectures.thinker import Thinker
from tools.architectures.ticks import Ticks
from tools.tasks.asked import prompts_of, said, said_logits
from tools.tasks.sequence import NOT_ASKED, Batch, SequenceTask, Size
from tools.tasks.task import Item, Question


@dataclass(frozen=True)
class Exam:
    """A task at one size, with the single steps that a world model is trained on.

    one_step: (T,) asked positions of a training sequence; read only of tasks that advance.
    """

    task: SequenceTask
    size: Size
    one_step: NDArray[np.bool_]

    @classmethod
    def of(cls, task: SequenceTask, size: Size, train: Batch) -> Exam:
        """The exam of models trained on that split."""
        return cls(task, size, train.targets[0] != NOT_ASKED)

    def candidate(self, aim: Aim, architecture: Candidate) -> nn.Module:
        """The model that takes part, untrained.

        Raises BadInput when the answers cannot be read from one causal pass over the prompt.
        """
        if isinstance(architecture, Foreign):
            return self._foreign(aim, architecture)
        if isinstance(architecture, Ticks):
            return self._thinking(aim, architecture)
        model = aim.model(architecture, self.size.vocabulary, self.size.classes)
        plain = isinstance(model, Backbone) and model.architecture == architecture.checked()
        inputs = next(m for m in model.modules() if isinstance(m, nn.Embedding)).num_embeddings
        if inputs != self.size.vocabulary or (isinstance(model, Backbone) and not plain):
            raise BadInput(
                f"{self.task.name}: the objective fills in hidden tokens, and the task is answered "
                "from what a model says of its prompt",
                "use an objective of next tokens here, or measure the text it writes",
            )
        if self.task.next_token and looks_ahead(architecture):
            raise BadInput(
                f"{self.task.name}: the answers stand in the text, and the model sees later tokens",
                "use causal mixers",
            )
        if self.task.readout == "each":
            return model
        if not isinstance(model, Backbone):
            raise BadInput(f"{self.task.name} is read at its last position", "use next_token")
        return LastReadout(model)

    def _foreign(self, aim: Aim, foreign: Foreign) -> nn.Module:
        if not isinstance(aim, TeachesForeign) or self.task.readout != "each":
            raise BadInput(
                f"{foreign.family}: models of transformers learn next tokens, each at its position",
                f"use the objective next_token and a task other than {self.task.name}"
                if self.task.readout != "each"
                else "use the objective next_token, or an architecture of blocks",
            )
        return aim.foreign(foreign, self.size.vocabulary, self.size.classes)

    def _thinking(self, aim: Aim, spec: Ticks) -> nn.Module:
        if not isinstance(aim, NextToken) or aim.on != "asked":
            raise BadInput(
                "a model that thinks in ticks learns what is asked, by the loss of its ticks",
                "use the objective next_token, on what is asked",
            )
        task, size = self.task, self.size
        once = int(self.one_step.sum()) == 1 and task.scored == "accuracy"
        if not once or task.next_token or task.readout != "each":
            raise BadInput(
                f"{task.name}: a model that thinks in ticks answers a sequence once",
                "use a task that asks once of the whole sequence, such as digits or parity",
            )
        return Thinker(spec, size.vocabulary, size.length, size.classes)

    def fit(self, model: nn.Module, dev: Batch) -> Fit:
        """On known targets; of a world model the accuracy is that after all its steps."""
        if not self._steps:
            return replace(fit(model, dev), in_bits=self.task.scored == "bits")
        asked = dev.targets != NOT_ASKED
        right = self._answers(model, dev.tokens, asked)[asked] == dev.targets[asked]
        once = replace(self.size, extra={**self.size.extra, "rollout": 1})
        single = self.task.data("dev", 0, once, len(dev))
        return Fit(float(right.mean()), fit(model, single).cross_entropy)

    def predictions(self, model: nn.Module, items: Sequence[Item | Question]) -> list[str]:
        """One text an item, as `tools.tasks.asked` has them.

        Where a model says no numbers, a task in bits is told that every class is alike.
        """
        if not items:
            return []
        tokens, asked = prompts_of(items)
        if self.task.scored == "accuracy":
            return said(self._answers(model, tokens, asked), asked)
        batch = Batch(tokens, np.where(asked, 0, NOT_ASKED))
        rows = (np.nan_to_num(row, nan=0.0) for row in predict_logits(model, batch))
        return [said_logits(row[None], np.ones((1, len(row)), bool))[0] for row in rows]

    @property
    def _steps(self) -> int:
        """How often a world model's answers become its next prompt; 0 for other tasks."""
        return int(self.size.extra.get("rollout", 1)) if self.task.advance is not None else 0

    def _answers(
        self, model: nn.Module, tokens: NDArray[np.int64], asked: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Classes at the asked positions, (N, T)."""
        blind = Batch(tokens, np.where(asked, 0, NOT_ASKED))
        if not self._steps:
            return predict(model, blind)
        assert self.task.advance is not None
        answers = np.zeros((len(tokens), int(self.one_step.sum())), dtype=np.int64)
        for step in range(self._steps):
            prompts = self.task.advance(tokens, answers, step, self.size)
            where = np.broadcast_to(np.where(self.one_step, 0, NOT_ASKED), prompts.shape)
            answers = predict(model, Batch(prompts, where))[:, self.one_step]
        found = np.full(tokens.shape, NOT_ASKED, dtype=np.int64)
        found[asked] = answers.reshape(-1)
        return found
