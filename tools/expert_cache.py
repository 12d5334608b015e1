"""Models that earlier runs trained, kept by the digest of code, data, arguments and seed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tools.trial_folder import ENDING, MODEL, RESULT, Ending, TrialFolder


class ExpertCache:
    """One folder per training trial: its result, its model and how it ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fetch(self, trial: str, into: TrialFolder) -> Ending | None:
        """Copy a kept training into the run; None when there is none. A damaged one is removed."""
        kept = _Kept(self.folder, trial)
        ending = kept.ending()
        if ending is None or not ending.model_digest:
            shutil.rmtree(kept.path, ignore_errors=True)
            return None
        into.path.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(into.model, ignore_errors=True)
        shutil.copytree(kept.model, into.model)
        shutil.copyfile(kept.result, into.result)
        return into.end(ending.model_copy(update={"cached": True, "resumed": False}))

    def keep(self, trial: str, made: TrialFolder) -> None:
        """Keep a finished training for later runs; what is there already stays."""
        place = self.folder / trial
        if place.exists():
            return
        draft = self.folder / f".{trial}.{os.getpid()}.part"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        shutil.copytree(made.model, draft / MODEL)
        for name in (RESULT, ENDING):
            shutil.copyfile(made.path / name, draft / name)
        try:
            draft.rename(place)
        except OSError:  # another run kept the same training meanwhile
            shutil.rmtree(draft)


class _Kept(TrialFolder):
    def __init__(self, cache: Path, trial: str) -> None:
        super().__init__(cache, trial)
        self.path = cache / trial
        self.result, self.model = self.path / RESULT, self.path / MODEL
