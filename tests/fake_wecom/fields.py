"""Reading request bodies: every wrong, long or missing value becomes 40058 with the name of its field (wecom.md 0)."""

from dataclasses import dataclass
from typing import Any

from tests.fake_wecom.errors import ApiError, Json
from tests.fake_wecom.lengths import byte_length


def refuse(name: str, why: str) -> ApiError:
    # wecom.md 4 "Over length": `markdown.content exceed max length 4096. invalid Request Parameter`
    return ApiError(40058, f"{name} {why}. invalid Request Parameter")


@dataclass(frozen=True)
class Fields:
    """One JSON object of a request, with the path that leads to it."""

    data: Json
    where: str = ""

    def has(self, key: str) -> bool:
        return self.data.get(key) is not None

    def raw(self, key: str) -> Any:
        return self.data.get(key)

    def name(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key

    def text(
        self, key: str, *, need: bool = False, bytes_most: int | None = None, chars_most: int | None = None
    ) -> str:
        value = self.data.get(key)
        if value is None or value == "":
            if need:
                raise refuse(self.name(key), "missing")
            return ""
        if not isinstance(value, str):
            raise refuse(self.name(key), "is not a string")
        if bytes_most is not None and byte_length(value) > bytes_most:
            raise refuse(self.name(key), f"exceed max length {bytes_most}")
        if chars_most is not None and len(value) > chars_most:
            raise refuse(self.name(key), f"exceed max length {chars_most}")
        return value

    def number(self, key: str, default: int = 0, *, least: int = 0, most: int = 2**63) -> int:
        value = self.data.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            raise refuse(self.name(key), "is not an integer")
        if not least <= value <= most:
            raise refuse(self.name(key), f"out of range {least}-{most}")
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        value = self.data.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or value in (0, 1):
            return bool(value)
        raise refuse(self.name(key), "is not a boolean")

    def texts(self, key: str, *, most: int | None = None, need: bool = False) -> list[str]:
        value = self.data.get(key)
        if value is None:
            value = []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise refuse(self.name(key), "is not an array of strings")
        if need and not value:
            raise refuse(self.name(key), "missing")
        if most is not None and len(value) > most:
            raise refuse(self.name(key), f"exceed max size {most}")
        return value

    def part(self, key: str, *, need: bool = False) -> "Fields":
        value = self.data.get(key)
        if value is None and not need:
            value = {}
        if not isinstance(value, dict):
            raise refuse(self.name(key), "missing" if value is None else "is not an object")
        return Fields(value, self.name(key))

    def parts(self, key: str, *, least: int = 0, most: int | None = None) -> "list[Fields]":
        value = self.data.get(key)
        if value is None:
            value = []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise refuse(self.name(key), "is not an array of objects")
        if len(value) < least or (most is not None and len(value) > most):
            raise refuse(self.name(key), f"size out of range {least}-{most}")
        return [Fields(item, f"{self.name(key)}[{at}]") for at, item in enumerate(value)]
