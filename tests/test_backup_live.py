"""A backup taken while a real process writes, and the way back: proven by fsck, with counts that agree."""

import json
import sqlite3
import threading
from pathlib import Path

from bot.__main__ import main
from bot.config import shipped
from storage.fsck import check
from tests.quick_process import Forked

MESSAGES = 1_500


def said(number: int) -> bytes:
    """A check-in or a line of talk, from one of 200 people in one of 5 groups."""
    event = {
        "type": "message", "id": f"m{number}", "at": "2026-12-02T11:58:00+08:00", "group": f"g{number % 5}",
        "member": f"u{number % 200}", "name": f"人{number % 200}", "text": "签到" if number % 3 else f"今天第{number}句",
    }  # fmt: skip
    return json.dumps(event, ensure_ascii=False).encode() + b"\n"


def heard(path: Path) -> list[str]:
    conn = sqlite3.connect(path)
    try:
        return [row[0] for row in conn.execute("SELECT id FROM interaction WHERE kind = 'message' ORDER BY seq")]
    finally:
        conn.close()


def test_a_backup_under_load_restores_to_one_clean_moment(tmp_path: Path) -> None:
    db = tmp_path / "live.db"
    with Forked("pipe", "--db", db, "--config", shipped("config.toml"), "--acks") as bot:
        writing, half = bot.stdin, threading.Event()

        def feed() -> None:
            for number in range(MESSAGES):
                writing.write(said(number))
            writing.flush()
            half.wait()  # there is something to say after every backup as well
            for number in range(MESSAGES, 2 * MESSAGES):
                writing.write(said(number))
            writing.close()

        feeder = threading.Thread(target=feed)
        feeder.start()
        bot.stdout.readline()  # the first thing is durable: the bot is in the middle of it
        drain = threading.Thread(target=bot.stdout.read)
        drain.start()
        assert [main(["backup", "--db", str(db), "--to", str(tmp_path / f"copy{one}.db")]) for one in range(3)] == [
            0
        ] * 3
        assert main(["restore", str(tmp_path / "copy0.db"), "--db", str(db)]) == 1, "never under a running bot"
        half.set()
        feeder.join()
        drain.join()
        assert bot.wait() == 0
    everything = heard(db)
    assert len(everything) == 2 * MESSAGES
    for one in range(3):
        copy = tmp_path / f"copy{one}.db"
        assert check(copy).is_clean
        part = heard(copy)
        assert 0 < len(part) <= len(everything)
        assert part == everything[: len(part)], "a backup is one moment: nothing of later, nothing missing before"
    copied = check(tmp_path / "copy2.db")
    assert main(["restore", str(tmp_path / "copy2.db"), "--db", str(db)]) == 0
    assert check(db).as_dict() == copied.as_dict()
    kept = db.with_name("live.db.before-restore")
    assert heard(kept) == everything
    assert check(kept).is_clean


def test_a_broken_backup_is_refused_before_anything_is_touched(tmp_path: Path) -> None:
    db, copy = tmp_path / "x.db", tmp_path / "copy.db"
    lines = b"".join(said(number) for number in range(50))
    bot = Forked("pipe", "--db", db, "--config", shipped("config.toml"))
    bot.communicate(lines)
    assert bot.returncode == 0
    assert main(["backup", "--db", str(db), "--to", str(copy)]) == 0
    conn = sqlite3.connect(copy)
    with conn:
        conn.execute("UPDATE entry SET balance = balance + 1 WHERE id = (SELECT max(id) FROM entry)")
    conn.close()
    before = db.read_bytes()
    assert main(["restore", str(copy), "--db", str(db)]) == 1
    copy.write_bytes(copy.read_bytes()[:5_000])
    assert main(["restore", str(copy), "--db", str(db)]) == 1
    assert db.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir() if "restor" in one.name] == []
