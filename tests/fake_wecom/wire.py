"""The HTTP front: every request to /cgi-bin/ passes here, and errors leave as HTTP 200 (wecom.md 0)."""

import asyncio
import json
from dataclasses import dataclass, field

from aiohttp import web

from tests.fake_wecom.bots import Bots
from tests.fake_wecom.door import Door
from tests.fake_wecom.errors import ApiError, Json, error_body
from tests.fake_wecom.faults import Fault
from tests.fake_wecom.fields import Fields, refuse
from tests.fake_wecom.ground import Call, Ground
from tests.fake_wecom.media import Media
from tests.fake_wecom.records import Ask, Logged, Upload
from tests.fake_wecom.webhook import Webhooks

SECRETS = ("access_token", "corpsecret")


@dataclass
class Wire:
    ground: Ground
    door: Door
    media: Media
    webhooks: Webhooks
    bots: Bots
    calls: dict[tuple[str, str], Call] = field(default_factory=dict)

    def add(self, calls: list[Call]) -> None:
        for call in calls:
            self.calls[call.method, call.path] = call

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        corpid = request.query.get("corpid") or self.door.corpid_of(request.query.get("access_token", ""))
        fault = self.ground.faults.take(path)
        self.ground.tell()
        try:
            self.door.enter(corpid, path)
        except ApiError as wrong:
            return self._refusal(request, path, {}, wrong)
        try:
            if self.ground.options.answer_seconds:
                await self.ground.clock.sleep(self.ground.options.answer_seconds)
            if fault is not None and not fault.after:
                spoilt = await self._suffer(request, path, fault)
                if spoilt is not None:
                    return spoilt
            answer = await self._answer(request, path)
            if fault is not None and fault.after:
                answer = await self._suffer(request, path, fault) or answer
            return answer
        finally:
            self.door.leave(corpid, path)

    async def _suffer(self, request: web.Request, path: str, fault: Fault) -> web.StreamResponse | None:
        """Plays a fault; None means that the call goes on."""
        if fault.kind == "delay":
            await self.ground.clock.sleep(fault.seconds)
            return None
        if fault.kind == "errcode":
            return self._refusal(request, path, {}, ApiError(fault.errcode))
        if fault.kind == "status":
            return web.Response(status=fault.status, text="bad gateway")
        if fault.kind == "garbage":
            return web.Response(text="<html>not json</html>", content_type="text/html")
        if fault.kind == "hang":
            await self.ground.faults.hang()
        if isinstance(request.transport, asyncio.Transport):
            request.transport.abort()
        return web.Response(status=500)

    async def _answer(self, request: web.Request, path: str) -> web.StreamResponse:
        body: Json = {}
        try:
            body, upload = await _read(request)
            if path == "media/get":
                return self._media_get(request)
            out = self._rule(request, path, body, upload)
        except ApiError as wrong:
            return self._refusal(request, path, body, wrong)
        if out is None:
            return web.Response(status=404, text="no such interface in the sandbox")
        self._note(request, path, body, 0)
        return web.json_response(out)

    def _rule(self, request: web.Request, path: str, body: Json, upload: Upload | None) -> Json | None:
        query, ip = dict(request.query), request.remote or ""
        if path == "gettoken":
            return self.door.get_token(query, ip)
        if path == "webhook/send":
            return self.webhooks.send(query.get("key", ""), Fields(body))
        if path == "webhook/upload_media":
            return self.webhooks.upload(query.get("key", ""), query.get("type", ""), upload)
        if path == "aibot/response":
            return self.bots.respond_by_url(query.get("response_code", ""), Fields(body))
        call = self.calls.get((request.method, path))
        if call is None:
            other = {"GET": "POST", "POST": "GET"}.get(request.method, "")
            if (other, path) not in self.calls:
                return None
            raise ApiError(43002 if other == "POST" else 43001)  # UNCONFIRMED: not in the reference
        corp, app = self.door.admit(query.get("access_token", ""), path, call.grant, ip)
        return call.rule(Ask(corp, app, query, Fields(body), self.ground.clock(), upload))

    def _media_get(self, request: web.Request) -> web.StreamResponse:
        """Binary with Content-Disposition; JSON on error (UNCONFIRMED, wecom.md 3.4)."""
        token, media_id = request.query.get("access_token", ""), request.query.get("media_id", "")
        corp, _ = self.door.admit(token, "media/get", "", request.remote or "")
        found = self.media.find(media_id, corp.corpid)
        self._note(request, "media/get", {}, 0)
        headers = {"Content-Disposition": f'attachment; filename="{found.name}"'}
        return web.Response(body=found.data, headers=headers, content_type="application/octet-stream")

    def _refusal(self, request: web.Request, path: str, body: Json, wrong: ApiError) -> web.StreamResponse:
        self._note(request, path, body, wrong.code)
        hint = self.ground.luck.digits(20)
        return web.json_response(error_body(wrong.code, wrong.text, hint=hint, ip=request.remote or ""))

    def _note(self, request: web.Request, path: str, body: Json, errcode: int) -> None:
        query = {key: "*" if key in SECRETS else value for key, value in request.query.items()}
        self.ground.log.append(Logged(self.ground.clock(), path, query, body, errcode))
        self.ground.tell()

    async def blob(self, request: web.Request) -> web.StreamResponse:
        """Media of AI-bot messages: gone after 5 minutes (wecom.md 7.1)."""
        data = self.bots.blob(request.match_info["name"])
        return web.Response(status=404) if data is None else web.Response(body=data)


async def _read(request: web.Request) -> tuple[Json, Upload | None]:
    """A JSON object, or the multipart field `media` (wecom.md 0 "Body", 3.4)."""
    if request.method == "GET":
        return {}, None
    if request.content_type == "multipart/form-data":
        form = await request.post()
        part = form.get("media")
        if isinstance(part, web.FileField):
            return {}, Upload(part.filename, part.content_type, part.file.read())
        return {}, None
    raw = await request.read()
    if not raw:
        return {}, None
    try:
        body = json.loads(raw.decode())
    except ValueError as wrong:
        raise refuse("body", "is not JSON") from wrong
    if not isinstance(body, dict):
        raise refuse("body", "is not an object")
    return body, None
