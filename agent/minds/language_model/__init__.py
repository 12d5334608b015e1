"""A language model as the mind."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from agent.minds.language_model.language_model import LanguageModel
from agent.minds.mind import find_mind, mind

if TYPE_CHECKING:
    from agent.lab import Lab
    from agent.settings import Settings
    from agent.toolbox import Toolbox

__all__ = ["LanguageModel"]


@mind("language-model")
def language_model(settings: Settings) -> LanguageModel:
    """The model that the endpoint of the settings names, or a recording of one.

    Raises BadInput where neither can be used, or for a language that the built-in mind, which
    writes what the model fails at, has no words of.
    """
    from agent.minds.language_model.voice import check_voice, voice_in

    check_voice(settings, os.environ)
    return LanguageModel(
        settings, find_mind("playbook", settings), lambda lab: voice_in(lab, os.environ), _tools
    )


def _tools(lab: Lab, stage: str) -> Toolbox:
    from agent.toolbox import LabToolbox

    return LabToolbox(lab, stage)
