"""How large the miniature's experiment is."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.errors import UnknownName


@dataclass(frozen=True)
class Profile:
    """Training steps of each kind of model, and items of the tasks.

    mixed_in: one base item in so many mixes the languages. The base knows its own tasks perfectly
    after 200 steps. main_test: for `largest` in either language. main_dev: for the task that is
    searched on.
    """

    name: str
    base_steps: int
    mixed_in: int
    expert_steps: int
    joint_steps: int
    main_test: int
    other_test: int
    main_dev: int
    other_dev: int


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("standard", 240, 7, 250, 500, 2000, 500, 300, 100),
        Profile("quick", 200, 7, 120, 240, 300, 100, 100, 40),
        Profile("long", 800, 3, 250, 500, 2000, 500, 300, 100),
    )
}


def find_profile(name: str) -> Profile:
    """The profile of that name. Raises UnknownName."""
    if name not in PROFILES:
        raise UnknownName("profile", name, list(PROFILES))
    return PROFILES[name]
