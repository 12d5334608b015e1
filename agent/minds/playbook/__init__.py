"""The built-in mind and its hypothesis families."""

from agent.minds.playbook.playbook import Playbook

__all__ = ["Playbook"]
