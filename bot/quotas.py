"""Platform quotas as dated data: quotas.toml beside this file, and what a deployment adds in config.toml."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from bot.config import check_model, read_toml
from bot.settings.kinds import Part
from bot.settings.quotas import Quota

BUILT_IN = Path(__file__).resolve().parent / "quotas.toml"


class _File(Part):
    quota: tuple[Quota, ...] = ()


@cache
def load_quotas(path: Path = BUILT_IN) -> Sequence[Quota]:
    """Every quota of a file. Raises ConfigError with every problem."""
    return check_model(_File, read_toml(path), str(path)).quota
