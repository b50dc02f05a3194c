"""What a corp has: plain records that the rules of the other files read and change."""

from dataclasses import dataclass, field

from tests.fake_wecom.errors import Json
from tests.fake_wecom.fields import Fields


@dataclass
class Callback:
    """Where an app or a bot receives its pushes (wecom.md 2.1 config)."""

    url: str
    token: str
    aes_key: str


@dataclass
class App:
    """A self-built app. `grants` are the consoles it was added to; `scope` None means the whole corp."""

    agentid: int
    secret: str
    grants: set[str] = field(default_factory=lambda: {"message", "externalcontact", "kf"})
    scope: set[str] | None = None
    enabled: bool = True
    trusted: list[tuple[float, set[str]]] = field(default_factory=list)
    """Trusted-IP lists with the moment each takes effect; no list means that every address may call."""
    callback: Callback | None = None
    token: str = ""

    def sees(self, userid: str) -> bool:
        return self.scope is None or userid in self.scope


@dataclass
class Member:
    """Somebody who works there. `contact` is the 客户联系 permission (wecom.md 5)."""

    userid: str
    name: str = ""
    contact: bool = True


@dataclass
class Follow:
    """One member's relation to one customer."""

    userid: str
    createtime: int
    add_way: int = 1
    state: str = ""
    half: bool = False
    chatted_at: float = 0.0
    remark: str = ""
    description: str = ""
    remark_corp_name: str = ""
    remark_mobiles: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


@dataclass
class Customer:
    external_userid: str
    name: str
    type: int = 1  # wecom.md 5.5: 1 WeChat, 2 WeCom
    gender: int = 0
    avatar: str = ""
    unionid: str = ""
    follows: dict[str, Follow] = field(default_factory=dict)


@dataclass
class Tag:
    id: str
    name: str
    create_time: int
    order: int = 0


@dataclass
class TagGroup:
    id: str
    name: str
    create_time: int
    maker: int  # agentid of the app that made it; 0 = a person in the console
    order: int = 0
    tags: dict[str, Tag] = field(default_factory=dict)


@dataclass(frozen=True)
class Participant:
    """Somebody in a customer group, as groupchat/get shows them."""

    userid: str
    type: int  # wecom.md 5.6: 1 member, 2 external
    join_time: int
    join_scene: int = 1  # wecom.md 5.6: 1 direct, 2 link, 3 QR
    name: str = ""
    invitor: str = ""
    state: str = ""


@dataclass(frozen=True)
class GroupView:
    """What groupchat/get shows from `visible_at` on."""

    visible_at: float
    name: str
    owner: str
    notice: str
    people: dict[str, Participant]
    version: str


@dataclass
class Group:
    chat_id: str
    name: str
    owner: str
    create_time: int
    notice: str = ""
    people: dict[str, Participant] = field(default_factory=dict)
    admins: list[str] = field(default_factory=list)
    version: str = ""
    status: int = 0
    dismissed: bool = False
    views: list[GroupView] = field(default_factory=list)


@dataclass
class Corp:
    corpid: str
    apps: dict[str, App] = field(default_factory=dict)  # by secret
    members: dict[str, Member] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    tag_groups: dict[str, TagGroup] = field(default_factory=dict)

    def app_of_agent(self, agentid: int) -> App:
        for app in self.apps.values():
            if app.agentid == agentid:
                return app
        raise LookupError(f"no app with agentid {agentid}")

    def tag(self, tag_id: str) -> tuple[TagGroup, Tag] | None:
        for group in self.tag_groups.values():
            if tag_id in group.tags:
                return group, group.tags[tag_id]
        return None


@dataclass(frozen=True)
class Upload:
    """The multipart file of a media call."""

    name: str
    kind: str
    data: bytes


@dataclass(frozen=True)
class Ask:
    """One REST call that passed the door: whose it is and what it says."""

    corp: Corp
    app: App
    query: dict[str, str]
    body: Fields
    now: float
    upload: Upload | None = None


@dataclass(frozen=True)
class Logged:
    """One request as the sandbox saw it, for tests to look at. Secrets are left out."""

    at: float
    path: str
    query: Json
    body: Json
    errcode: int | None
