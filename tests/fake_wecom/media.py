"""Temporary media: upload and get, three days, limits by kind (wecom.md 3.4)."""

from dataclasses import dataclass, field

from tests.fake_wecom.errors import ApiError, Json, ok
from tests.fake_wecom.ground import Call, Ground
from tests.fake_wecom.records import Ask, Upload

MEGA = 1024 * 1024
MOST = {"image": 10 * MEGA, "voice": 2 * MEGA, "video": 10 * MEGA, "file": 20 * MEGA}  # wecom.md 3.4 limits
LIFE = 3 * 86400  # wecom.md 3.4 result


@dataclass(frozen=True)
class Stored:
    media_id: str
    kind: str
    name: str
    data: bytes
    created: float
    owner: str  # a corp, or the one webhook key that may use it (wecom.md 4)


@dataclass
class Media:
    ground: Ground
    stored: dict[str, Stored] = field(default_factory=dict)

    def calls(self) -> list[Call]:
        return [Call("POST", "media/upload", self._upload), Call("POST", "media/uploadimg", self._upload_img)]

    def _upload(self, ask: Ask) -> Json:
        return self.keep(ask.query.get("type", ""), ask.upload, ask.corp.corpid)

    def _upload_img(self, ask: Ask) -> Json:
        if ask.upload is None or not ask.upload.data:
            raise ApiError(44001)
        return ok(url=f"https://wework.qpic.cn/wwpic/{self.ground.luck.word('', 20)}/0")

    def keep(self, kind: str, upload: Upload | None, owner: str) -> Json:
        if kind not in MOST:
            raise ApiError(40004)
        if upload is None or not upload.data:
            raise ApiError(44001)
        if len(upload.data) <= 5:
            raise ApiError(40006)  # wecom.md 3.4: every file > 5 bytes
        if len(upload.data) > MOST[kind]:
            raise ApiError({"image": 40009, "video": 40011}.get(kind, 45001))
        if not looks_like(kind, upload.data):
            raise ApiError(40004)
        made = Stored(self.ground.luck.word("", 64), kind, upload.name, upload.data, self.ground.clock(), owner)
        self.stored[made.media_id] = made
        return ok(type=kind, media_id=made.media_id, created_at=str(int(made.created)))

    def find(self, media_id: str, owner: str, kind: str = "") -> Stored:
        """The file, if it is this owner's and not older than three days; else 40007."""
        found = self.stored.get(media_id)
        if found is None or found.owner != owner or self.ground.clock() - found.created > LIFE:
            raise ApiError(40007)
        if kind and found.kind != kind:
            raise ApiError(40007)
        return found


def looks_like(kind: str, data: bytes) -> bool:
    """JPG or PNG, AMR, MP4 by their first bytes; a file may be anything."""
    if kind == "image":
        return data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))
    if kind == "voice":
        return data.startswith(b"#!AMR")
    return kind != "video" or data[4:8] == b"ftyp"
