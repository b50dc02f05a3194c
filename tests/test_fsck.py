"""`yuanzi fsck`: for every promise, a database on which exactly that promise is broken."""

import json
import sqlite3
from pathlib import Path

import pytest

from bot.__main__ import main
from storage.database import Database
from storage.fsck import MOST, RULES, check
from storage.fsck_calendar import CALENDAR_RULES
from storage.fsck_campaigns import CAMPAIGN_RULES
from storage.fsck_contact import CONTACT_RULES
from storage.fsck_draws import DRAW_RULES
from storage.fsck_faq import FAQ_RULES
from storage.fsck_games import GAME_RULES
from storage.fsck_koc import QUESTIONS as KOC_QUESTIONS
from storage.fsck_lifecycle import QUESTIONS as LIFECYCLE_QUESTIONS
from storage.fsck_orders import QUESTIONS as ORDER_QUESTIONS
from storage.fsck_points import QUESTIONS as POINT_QUESTIONS
from storage.fsck_quiz import QUIZ_RULES
from storage.fsck_staffdesk import STAFFDESK_RULES
from storage.fsck_surveys import QUESTIONS as SURVEY_QUESTIONS
from storage.fsck_tags import QUESTIONS as TAG_QUESTIONS
from storage.ledger import Ledger
from tests.fsck_kit import Break, Conn, both, broken, sql, unguarded
from tests.test_storage_week import two_weeks

KNOWING = {**TAG_QUESTIONS, **LIFECYCLE_QUESTIONS, **ORDER_QUESTIONS, **KOC_QUESTIONS, **SURVEY_QUESTIONS}
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def week(tmp_path: Path) -> Path:
    return two_weeks(tmp_path)


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    path = tmp_path / "empty.db"
    Database.open(path, "off").close()
    return path


def booked(key: str, *, asset: str = "points", event: str = "e", group: str = "g", to: str = "member:m") -> Break:
    """A movement that adds up, of which only its key and its cause are wrong."""

    def work(conn: Conn) -> None:
        database = Database(Path(), conn)
        giver, taker = ("house:x", to) if asset == "points" else (to, "house:x")
        assert Ledger(database).move(
            key, giver, taker, 1, asset=asset, at=0, event_id=event, cause="测试", group_id=group
        )

    return work


def booked_again(movement: str) -> str:
    """Gives the newest movement the same entries as an older one, with balances that are right."""
    return (
        "INSERT INTO entry (movement_id, account, asset, amount, balance) SELECT (SELECT max(id) FROM movement),"
        " account, asset, amount, amount + (SELECT balance FROM entry o WHERE o.account = e.account"
        f" AND o.asset = e.asset ORDER BY id DESC LIMIT 1) FROM entry e WHERE movement_id = ({movement})"
    )


OWN = "SELECT event_id FROM check_in WHERE kind = 'own' AND streak = 1 ORDER BY day LIMIT 1"
OF_OWN = f"SELECT id FROM movement WHERE key LIKE 'check_in/%' AND event_id = ({OWN})"
LINE = "(SELECT id FROM outbox WHERE state = 'sent' AND sort = 'reply' AND group_id = 'yuanqi' ORDER BY id LIMIT 1)"
MOVED = "INSERT INTO movement (key, at, event_id, cause, reverses)"
SAID = (
    "INSERT INTO outbox (key, sort, channel, group_id, phrase, slots, event_id, because, created_at, not_before,"
    " expires_at, state)"
)

CASES: dict[str, Break] = {
    "integrity": sql(  # an index that does not hold what it says
        "PRAGMA writable_schema=ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'waiting > 0', 'waiting > 99') WHERE name = 'membership_waiting'",
    ),
    "foreign_keys": both(booked("x/1"), sql("UPDATE movement SET reverses = 987654 WHERE key = 'x/1'")),
    "movement_sides": sql(f"{MOVED} VALUES ('x/1', 0, 'e', '测试', NULL)"),
    "balances": sql("UPDATE entry SET balance = balance + 1 WHERE id = (SELECT max(id) FROM entry)"),
    "reversed_twice": unguarded(
        "movement",
        f"{MOVED} SELECT 'again', at, event_id, cause, reverses FROM movement WHERE reverses IS NOT NULL LIMIT 1",
        booked_again("SELECT min(id) FROM movement WHERE reverses IS NOT NULL"),
    ),
    "points_twice": unguarded(
        "movement",
        "INSERT INTO movement (key, at, event_id, cause, group_id) SELECT key, at, event_id, cause, group_id"
        f" FROM movement WHERE id = ({OF_OWN})",
        booked_again(OF_OWN),
    ),
    "reversal_mirrors": both(
        booked("x/1", to="member:a"), booked("x/2", to="member:b"),
        sql("UPDATE movement SET reverses = (SELECT id FROM movement WHERE key = 'x/1') WHERE key = 'x/2'"),
    ),
    "check_in_twice": unguarded(
        "check_in",
        f"INSERT INTO check_in SELECT group_id, member_id, day, at, 'own', streak, 'other' FROM check_in"
        f" WHERE event_id = ({OWN})",
    ),
    "streaks": sql(f"UPDATE check_in SET streak = 77 WHERE event_id = ({OWN})"),
    "event_checks_in_twice": sql(
        f"INSERT INTO check_in SELECT group_id, member_id, '2026-01-01', at, kind, 1, event_id FROM check_in"
        f" WHERE event_id = ({OWN})"
    ),
    "point_keys": sql(f"UPDATE movement SET key = 'check_in/elsewhere' WHERE id = ({OF_OWN})"),
    "points_without_check_in": booked("check_in/e"),
    "check_in_without_points": lambda conn: Ledger(Database(Path(), conn)).reverse(
        int(conn.execute(OF_OWN).fetchone()[0]), at=0, event_id="e", cause="测试"
    ),
    "make_up_without_card": sql(
        "INSERT INTO check_in VALUES ('g', 'nobody', '2026-12-02', 0, 'make_up', 1, 'made up for nothing')"
    ),
    "card_without_make_up": booked("make_up/e", asset="make_up_card"),
    "line_without_event": sql(
        "DELETE FROM interaction WHERE id = 'stage-2'", "DELETE FROM tag_evidence", "DELETE FROM member_tag"
    ),
    "line_keys": sql(f"UPDATE outbox SET key = event_id || '/01' WHERE id = {LINE}"),
    "line_key_twice": unguarded(
        "outbox", f"{SAID} SELECT key, sort, channel, group_id, phrase, slots, event_id, because, 0, 0, 0, 'held'"
        f" FROM outbox WHERE id = {LINE}"
    ),
    "line_sent_unclaimed": sql(f"UPDATE outbox SET attempts = 0 WHERE id = {LINE}"),
    "beat_posted_twice": sql(
        f"{SAID} SELECT event_id || '/1', sort, channel, group_id, phrase, slots, event_id, because, 0, 0, 0, 'queued'"
        " FROM outbox WHERE sort = 'campaign' LIMIT 1"
    ),
    "waiting_but_gone": sql("UPDATE membership SET left_at = 1 WHERE waiting > 0"),
    "failed_without_note": sql("UPDATE interaction SET note = NULL WHERE failed = 1"),
    "milestones": booked("milestone/yuanqi/m/2026-12-04/3/e/points", group="yuanqi"),
}  # fmt: skip


def test_every_rule_has_a_case() -> None:
    # Those of features have their cases beside them: test_fsck_points, test_quiz_fsck, test_living_games,
    # test_fsck_tags, test_fsck_orders.
    assert set(RULES) - {
        "ledger_sum",
        *POINT_QUESTIONS,
        *QUIZ_RULES,
        *GAME_RULES,
        *DRAW_RULES,
        *CALENDAR_RULES,
        *CAMPAIGN_RULES,
        *CONTACT_RULES,
        *KNOWING,
        *STAFFDESK_RULES,
        *FAQ_RULES,
    } == set(CASES)


@pytest.mark.parametrize("rule", CASES)
def test_a_broken_promise_is_named(week: Path, rule: str) -> None:
    assert broken(week, CASES[rule]) == [rule]


def test_points_out_of_nothing_break_the_sum_of_the_ledger(week: Path) -> None:
    # Where every movement adds up, the ledger does too: this cannot be broken without that.
    work = sql(
        f"{MOVED} VALUES ('x/1', 0, 'e', '测试', NULL)",
        "INSERT INTO entry (movement_id, account, asset, amount, balance) SELECT max(id), 'member:rich', 'points', 9, 9"
        " FROM movement",
    )
    assert broken(week, work) == ["ledger_sum", "movement_sides"]


@pytest.mark.parametrize(
    "work",
    [
        booked("milestone/g/m/2026-12-04/3/e/points", to="member:somebody else"),
        booked("milestone/g/m/nonsense"),
        sql(
            "INSERT INTO prize (key, member_id, what, won_at, event_id)"
            " VALUES ('milestone/g/m/2026-12-04/3/e', 'm', '试吃装', 0, 'e')"
        ),
    ],
)
def test_an_award_that_nobody_earned_is_named(week: Path, work: Break) -> None:
    assert broken(week, work) == ["milestones"]


def test_a_prize_that_was_handed_over_may_outlive_its_streak(empty: Path) -> None:
    work = sql(
        "INSERT INTO prize (key, member_id, what, won_at, event_id, state)"
        " VALUES ('milestone/g/m/2026-12-04/3/e', 'm', '试吃装', 0, 'e', 'handed')"
    )
    assert broken(empty, work) == []


def test_a_day_that_does_not_exist_is_named(empty: Path) -> None:
    assert broken(empty, sql("INSERT INTO check_in VALUES ('g', 'm', '2026-02-30', 0, 'own', 1, 'e')")) == ["streaks"]


def test_ids_with_any_character_are_not_mistaken(empty: Path) -> None:
    odd = "a'b/c%\x00d\n元 \U0001f964"
    work = booked("check_in/a%27b%2Fc%25%00d%0A%E5%85%83%20%F0%9F%A5%A4", event=odd, group=odd, to=f"member:{odd}")

    def both_sides(conn: Conn) -> None:
        work(conn)
        conn.execute("INSERT INTO check_in VALUES (?, ?, '2026-12-02', 0, 'own', 1, ?)", (odd, odd, odd))

    assert broken(empty, both_sides) == []


def test_thousands_of_violations_are_counted_not_listed(empty: Path) -> None:
    def work(conn: Conn) -> None:
        rows = ((f"m{number}",) for number in range(MOST + 50))
        conn.executemany("INSERT INTO check_in VALUES ('g', ?, '2026-12-02', 0, 'own', 5, 'e' || ?1)", rows)

    broken(empty, work)
    violations = check(empty).violations
    assert len(violations) == MOST + 1
    assert "50" in violations[-1].what


def test_the_report_is_one_json_object_with_the_promised_keys_first(week: Path, capfd: Capture) -> None:
    assert main(["fsck", "--db", str(week)]) == 0
    report = json.loads(capfd.readouterr().out)
    assert list(report)[:3] == ["events", "check_ins", "violations"]
    assert report["violations"] == []
    assert report["outbox"] > 0


def test_a_violation_says_rule_place_and_what_and_the_exit_code_is_one(week: Path, capfd: Capture) -> None:
    broken(week, CASES["streaks"])
    assert main(["fsck", "--db", str(week)]) == 1
    (violation,) = json.loads(capfd.readouterr().out)["violations"]
    assert violation["rule"] == "streaks"
    assert "77" in violation["what"]
    assert "yuanqi" in violation["where"]


def _missing(path: Path) -> None:
    assert not path.exists()


def _garbage(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 500)


def _torn(path: Path) -> None:
    data = bytearray(two_weeks(path.parent).read_bytes())
    data[4096 : 4096 * 12] = bytes(4096 * 11)
    path.write_bytes(data)


def _foreign(path: Path) -> None:
    conn = sqlite3.connect(path)
    conn.execute("CREATE TABLE recipe (name TEXT)")
    conn.close()


def _newer(path: Path) -> None:
    database = Database.open(path, "off")
    database.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('yuanzi', 'm999', '')")
    database.close()


@pytest.fixture(
    params=[(_missing, "找不到"), (_garbage, "已损坏"), (_torn, "已损坏"), (_foreign, "不是元子的数据库"),
            (_newer, "m999")],
    ids=["missing", "garbage", "torn", "foreign", "newer"],
)  # fmt: skip
def unusable(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    make, word = request.param
    path = tmp_path / "unusable.db"
    make(path)
    return path, word


def test_an_unusable_file_gives_one_clear_line(unusable: tuple[Path, str], capfd: Capture) -> None:
    path, word = unusable
    assert main(["fsck", "--db", str(path)]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert word in err
