"""Any sequence of grants, spends, reversals, refunds and restarts keeps every invariant of points and shop."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bot.channels import Line
from bot.config import shipped
from storage.fsck import check
from storage.ledger import account
from tests.conftest import BOSS, Room, a_config, group_config, keys

MEMBERS = ["小满", "阿杰", "o'b/%"]
SHOP = "".join(
    f'[[item]]\nid = "{kind}"\ntitle = "{kind}"\nkind = "{kind}"\nprice = {price}\nstock = {stock}\nlimit = 2\n{more}\n'
    for kind, price, stock, more in (
        ("goods", 30, 3, "hold = 1"), ("pass", 20, 3, "days = 1"), ("code", 10, 5, ""), ("points", 15, 4, "points = 10"),
        ("card", 5, 9, "cards = 1"),
    )
)  # fmt: skip
members = st.sampled_from(MEMBERS)
numbers = st.integers(1, 25)


class PointsMachine(RuleBasedStateMachine):
    """The living bot, spoken to in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="yuanzi-machine-"))
        self.runner = asyncio.Runner()
        shutil.copytree(shipped("persona"), self.folder / "persona")
        (self.folder / "persona" / "xiaoyuanzi" / "shop.toml").write_text(SHOP, encoding="utf-8")
        points = {"invite": 25, "levels": [{"title": "新", "at": 0}, {"title": "熟", "at": 60, "percent": 150}]}
        changes = {
            "bot": {"persona_dir": str(self.folder / "persona")},
            **group_config(scripts=[], points=points, welcome={"on": False}, quiet=""),
        }
        self.room = Room(lambda: a_config(changes), self.folder / "machine.db")
        self.go(self.room.open())
        self.room.people["店长"] = BOSS
        for member in MEMBERS:
            self.says(member, "大家好")
        self.go(self._fill())

    def go(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    async def _fill(self) -> None:
        await self.room.app.engine.write(lambda: self._import())

    def _import(self) -> None:
        self.room.app.store.shop.import_codes("code", ["X1", "X2", "X3"], 1)

    def says(self, member: str, text: str, *, private: bool = False) -> list[str]:
        lines: list[Line] = self.go(self.room.says(member, text, private=private))
        assert "staff.bug" not in keys(lines)
        return keys(lines)

    @rule(member=members, points=st.integers(1, 60))
    def grant(self, member: str, points: int) -> None:
        said = self.says("店长", f"发分 {member} {points} 测试")
        assert said in (["points.granted"], ["points.granted", "points.level_up"])

    @rule(member=members)
    def checks_in(self, member: str) -> None:
        self.says(member, "签到")

    @rule(member=members, item=st.integers(1, 5))
    def redeems(self, member: str, item: int) -> None:
        said = self.says(member, f"兑换 {item}")
        assert said in (["shop.done"], ["shop.done", "shop.code"], ["shop.short"], ["shop.limit"], ["shop.sold_out"])

    @rule(number=numbers)
    def undoes(self, number: int) -> None:
        said = self.says("店长", f"撤销 {number}")
        assert said in (["undo.done", "undo.told"], ["undo.twice"], ["undo.unknown"])

    @rule(number=numbers, word=st.sampled_from(["退回", "核销"]))
    def staff_settles(self, number: int, word: str) -> None:
        self.says("店长", f"{word} {number}")

    @rule(member=members, number=numbers)
    def cancels(self, member: str, number: int) -> None:
        self.says(member, f"取消兑换 {number}")

    @rule(member=members, number=numbers)
    def gives_an_address(self, member: str, number: int) -> None:
        self.says(member, f"收货地址 {number} 某某 138 和平路 1 号", private=True)

    @rule(member=members, guest=st.sampled_from(["客一", "客二", "客三"]))
    def invites(self, member: str, guest: str) -> None:
        self.go(self.room.joins([guest], inviter=member))

    @rule(guest=st.sampled_from(["客一", "客二", "客三"]))
    def leaves(self, guest: str) -> None:
        self.go(self.room.leaves(guest))

    @rule(hours=st.integers(1, 30))
    def time_goes_by(self, hours: int) -> None:
        self.go(self.room.wait(timedelta(hours=hours)))

    @rule()
    def the_power_fails(self) -> None:
        self.go(self.room.restart())

    @rule()
    def the_last_event_comes_again(self) -> None:
        assert self.go(self.room.again()) == []

    @invariant()
    def every_promise_holds(self) -> None:
        assert check(self.room.db).violations == []

    @invariant()
    def a_title_for_life_is_announced_once(self) -> None:
        told = self.room.rows("SELECT slots FROM outbox WHERE phrase = 'points.level_up'")
        assert len(told) == len(set(told))

    @invariant()
    def nobody_owes_while_they_have_something_to_give_back(self) -> None:
        store = self.room.app.store
        for member in MEMBERS:
            if store.ledger.balance(account(member)) < 0:
                assert store.shop.can_be_called_off(member) is None

    @invariant()
    def no_code_leaves_twice_and_no_stock_is_below_zero(self) -> None:
        sent = self.room.rows("SELECT text FROM outbox WHERE phrase = 'shop.code' AND state = 'sent'")
        given = [code for (text,) in sent for code in ("X1", "X2", "X3") if code in text]
        assert len(given) == len(set(given))
        assert self.room.rows("SELECT 1 FROM shop_item WHERE taken < 0 OR taken > stock") == []

    def teardown(self) -> None:
        self.go(self.room.close())
        self.runner.close()
        shutil.rmtree(self.folder, ignore_errors=True)


PointsMachine.TestCase.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
TestPoints = PointsMachine.TestCase
