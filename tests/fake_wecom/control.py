"""The control API over HTTP: the same methods that tests call on the object, as POST /_control/<area>/<action>."""

import dataclasses
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.fake_wecom.errors import ApiError, Json


@dataclass(frozen=True)
class Control:
    """`parts` are the areas; what they offer is listed by GET /_control."""

    parts: dict[str, Callable[..., Any]]

    def listing(self) -> dict[str, str]:
        return {name: str(inspect.signature(action)) for name, action in sorted(self.parts.items())}

    async def show(self, _: web.Request) -> web.Response:
        return web.json_response(self.listing())

    async def handle(self, request: web.Request) -> web.Response:
        """Arguments are the JSON body; {"ok": true, "result": ...} or {"ok": false, "error": ...} with status 400."""
        name = f"{request.match_info['area']}/{request.match_info['action']}"
        action = self.parts.get(name)
        if action is None:
            return web.json_response({"ok": False, "error": f"no control {name}, see GET /_control"}, status=404)
        try:
            raw = await request.read()
            given = json.loads(raw) if raw else {}
            inspect.signature(action).bind(**given)
            result = action(**given)
            if inspect.isawaitable(result):
                result = await result
        except (LookupError, TypeError, ValueError, ApiError) as wrong:
            return web.json_response({"ok": False, "error": f"{type(wrong).__name__}: {wrong}"}, status=400)
        return web.json_response({"ok": True, "result": plain(result)})


def plain(value: object) -> Any:
    """Anything that the sandbox keeps, as JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        out: Json = {}
        for part in dataclasses.fields(value):
            if not part.name.startswith("_") and part.name not in ("connection", "secret", "aes_key", "token"):
                out[part.name] = plain(getattr(value, part.name))
        return out
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [plain(item) for item in value]
        return sorted(items) if isinstance(value, (set, frozenset)) else items
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
