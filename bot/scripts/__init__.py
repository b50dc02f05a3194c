"""Scripts: when to say what to whom. TOML in, beats with triggers out; the wording is the persona's."""

from bot.scripts.beat import OWN, OWN_TITLE, Audience, Beat, Personal, Task, Variant
from bot.scripts.loader import BUILT_IN, beats_from, load_scripts
from bot.scripts.workdays import is_announced

__all__ = [
    "BUILT_IN", "OWN", "OWN_TITLE", "Audience", "Beat", "Personal", "Task", "Variant", "beats_from", "is_announced",
    "load_scripts",
]  # fmt: skip
