"""Corp tags and remarks, both ways: what staff set is read, what the house knows is set on the customer."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bot.channels.wecom.client import Api
from bot.channels.wecom.errcodes import ApiRefused
from bot.channels.wecom.payload import text_at
from bot.channels.wecom.quotas import quota
from bot.errors import Refused


@dataclass(frozen=True, slots=True)
class CorpTag:
    id: str
    group: str
    name: str


@dataclass(frozen=True, slots=True)
class Followed:
    """A customer as one member of staff sees them."""

    staff: str
    remark: str
    tags: tuple[CorpTag, ...]
    source: str = ""


class Tags:
    """Reads all tags once and keeps them until somebody changes them (`forget`). New names go into one group."""

    def __init__(self, api: Api, group: str) -> None:
        self._api = api
        self._group = group
        self._known: dict[tuple[str, str], CorpTag] | None = None
        self._lock = asyncio.Lock()

    def forget(self) -> None:
        self._known = None

    async def all(self) -> list[CorpTag]:
        return list((await self._book()).values())

    async def of(self, customer: str) -> list[Followed]:
        """The customer's tags and remarks, per member of staff; rule-group tags are left out."""
        found: list[Followed] = []
        cursor = ""
        while True:
            params = {"external_userid": customer} | ({"cursor": cursor} if cursor else {})
            answer = await self._api.call("externalcontact/get", params=params, again=True)
            found += [_followed(entry) for entry in _dicts(answer.get("follow_user"))]
            cursor = text_at(answer, "next_cursor")
            if not cursor:
                return found

    async def mark(self, staff: str, customer: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Puts tags on a customer and takes tags off, by name in our group. Missing tags are created."""
        wanted, gone = sorted(set(add)), sorted(set(remove) - set(add))
        for name in wanted:
            if not 0 < len(name) <= quota("tags.name").amount:
                raise Refused(f"a tag has 1 to {quota('tags.name').amount} characters: {name[:40]!r}")
        try:
            await self._mark(staff, customer, wanted, gone)
        except ApiRefused as error:
            if error.code != 40068:
                raise
            self.forget()  # somebody deleted a tag that we remembered
            await self._mark(staff, customer, wanted, gone)

    async def remark(self, staff: str, customer: str, *, remark: str | None = None, note: str | None = None) -> None:
        """Sets the remark and the description that `staff` sees, cut to the platform's lengths in characters."""
        body: dict[str, Any] = {"userid": staff, "external_userid": customer}
        if remark is not None:
            body["remark"] = remark[: quota("remark.chars").amount]
        if note is not None:
            body["description"] = note[: quota("description.chars").amount]
        if len(body) == 2:
            raise Refused("a remark or a note must be given")
        await self._api.call("externalcontact/remark", body, again=True)

    async def _mark(self, staff: str, customer: str, add: list[str], remove: list[str]) -> None:
        book = await self._book()
        missing = [name for name in add if (self._group, name) not in book]
        if missing:
            book = await self._create(missing)
        ids = [book[self._group, name].id for name in add]
        off = [book[self._group, name].id for name in remove if (self._group, name) in book]
        body: dict[str, Any] = {"userid": staff, "external_userid": customer}
        body |= ({"add_tag": ids} if ids else {}) | ({"remove_tag": off} if off else {})
        if ids or off:
            await self._api.call("externalcontact/mark_tag", body, again=True)

    async def _book(self) -> dict[tuple[str, str], CorpTag]:
        async with self._lock:
            if self._known is None:
                answer = await self._api.call("externalcontact/get_corp_tag_list", {}, again=True)
                self._known = _index(_dicts(answer.get("tag_group")))
            return dict(self._known)

    async def _create(self, names: list[str]) -> dict[tuple[str, str], CorpTag]:
        async with self._lock:
            known = self._known or {}
            if len(known) + len(names) > quota("tags.corp").amount:
                raise Refused(f"a corp has at most {quota('tags.corp').amount} tags")
            body = {"group_name": self._group, "tag": [{"name": name} for name in names]}
            await self._api.call("externalcontact/add_corp_tag", body, again=True)
            self._known = None
        book = await self._book()
        if any((self._group, name) not in book for name in names):
            raise Refused("add_corp_tag did not create every tag")
        return book


def _dicts(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _index(groups: list[dict[str, Any]]) -> dict[tuple[str, str], CorpTag]:
    found: dict[tuple[str, str], CorpTag] = {}
    for group in groups:
        name = text_at(group, "group_name")
        for tag in _dicts(group.get("tag")):
            if not tag.get("deleted"):
                found[name, text_at(tag, "name")] = CorpTag(text_at(tag, "id"), name, text_at(tag, "name"))
    return found


def _followed(entry: dict[str, Any]) -> Followed:
    tags = tuple(
        CorpTag(text_at(tag, "tag_id"), text_at(tag, "group_name"), text_at(tag, "tag_name"))
        for tag in _dicts(entry.get("tags"))
        if tag.get("type", 1) == 1
    )
    return Followed(text_at(entry, "userid"), text_at(entry, "remark"), tags, text_at(entry, "state"))
