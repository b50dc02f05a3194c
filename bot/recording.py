"""A session of `yuanzi chat` as a scenario: every step with what was said in it, so that it replays exactly."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.channels import Line
from bot.errors import Mistake


@dataclass(slots=True)
class Step:
    """One thing that happened, as the table that `yuanzi replay` reads, and the phrase keys that it brought."""

    action: dict[str, Any]
    expect: list[str]


@dataclass(slots=True)
class Recording:
    """What happened since the empty database."""

    start: datetime
    steps: list[Step] = field(default_factory=list)

    def add(self, action: dict[str, Any], lines: list[Line]) -> None:
        """Notes a step. Silent time that goes on going by is one step, not many."""
        last = self.steps[-1] if self.steps else None
        if last is not None and "until" in action and "until" in last.action and not last.expect:
            self.steps.pop()
        self.steps.append(Step(action, [line.phrase for line in lines]))

    def save(self, name: str, seed: str, config: Mapping[str, Any] | None = None) -> Path:
        """Writes the scenario into a new file; `.toml` may be left out. Raises Mistake when that does not work."""
        try:
            path = Path(name if Path(name).suffix else f"{name}.toml").expanduser()
            with path.open("x", encoding="utf-8") as file:
                file.write(self.toml(path.stem, seed, config))
        except FileExistsError:
            reason = "已经有这个文件，不覆盖"
        except FileNotFoundError:
            reason = "没有这个目录"
        except (OSError, ValueError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or "文件名不能用"
        else:
            return path
        raise Mistake("chat.file", file=name[:80], reason=reason)

    def toml(self, title: str, seed: str, config: Mapping[str, Any] | None = None) -> str:
        """The scenario. `config` is laid over the shipped settings when it replays."""
        head = {"title": title, "start": self.start.isoformat(), "seed": seed}
        rows = [_row(key, value) for key, value in head.items()]
        if config:
            rows.append(_row("config", config))
        for step in self.steps:
            rows.append("\n[[step]]")
            rows += [_row(key, value) for key, value in step.action.items()]
            if step.expect:
                rows.append(_row("expect", step.expect))
        return "\n".join(rows) + "\n"


def _row(key: str, value: object) -> str:
    return f"{key} = {_value(value)}"


def _value(value: object) -> str:
    """A value as TOML. Strings of TOML are those of JSON, except that DEL must be written as an escape."""
    if isinstance(value, datetime):
        return json.dumps(value.isoformat())
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(one) for one in value)}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
