"""`yuanzi pipe`: JSON lines in, JSON lines out, in real time and in the time of the events."""

import contextlib
import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from bot.channels.pipe import MAX_LINE, LineReader
from bot.world import RealWorld
from tests.quick_process import ROOT, Forked

CLOCKS = ["events", "real"]
RECENT = (RealWorld().now() - timedelta(days=1)).isoformat()
"""Real time refuses check-ins that are too old, so these tests must not carry a date of their own."""
EXAMPLE = (
    '{"type":"message","id":"m1","at":"2026-12-02T11:58:00+08:00","group":"g1","member":"u1","name":"小满","text":"签到",'
    '"mentions":[]}'
)


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    """Settings with a fixed seed; commits need not wait for the disk."""
    path = tmp_path / "config.toml"
    path.write_text(
        '[bot]\nseed = "test"\n[storage]\nsynchronous = "off"\n[[staff]]\nid = "dianzhang"\nrole = "owner"\n'
        '[groups.posts]\nscripts = ["welfare"]\n',
        encoding="utf-8",
    )
    return path


class Pipe:
    """Runs the command on one database."""

    def __init__(self, folder: Path, settings_file: Path) -> None:
        self.db = folder / "pipe.db"
        self.settings_file = settings_file

    def arguments(self, *options: str) -> list[str]:
        return ["pipe", "--db", str(self.db), "--config", str(self.settings_file), *options]

    def run(self, data: bytes, *options: str, code: int = 0) -> bytes:
        process = Forked(*self.arguments(*options))
        out, errors = process.communicate(data)
        assert process.returncode == code, errors.decode()
        assert b"Traceback" not in errors
        return out

    def talk(self, lines: Iterable[object], *options: str) -> list[dict[str, Any]]:
        """Lines (as text, bytes or objects) in, objects out."""
        return [json.loads(one) for one in self.run(as_bytes(lines), *options).splitlines()]

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        conn = sqlite3.connect(self.db)
        try:
            return conn.execute(sql).fetchall()
        finally:
            conn.close()


@pytest.fixture
def pipe(tmp_path: Path, settings_file: Path) -> Pipe:
    return Pipe(tmp_path, settings_file)


def as_bytes(lines: Iterable[object]) -> bytes:
    out = []
    for one in lines:
        out.append(
            one if isinstance(one, bytes) else one.encode() if isinstance(one, str) else json.dumps(one).encode()
        )
    return b"".join(line + b"\n" for line in out)


def message(event_id: str, text: str = "签到", **more: Any) -> dict[str, Any]:
    return {"type": "message", "id": event_id, "group": "g1", "member": "u1", "name": "小满", "text": text, **more}


def of_type(out: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in out if one["type"] == kind]


def test_the_documented_line_brings_exactly_this(pipe: Pipe) -> None:
    out = pipe.talk([EXAMPLE], "--clock", "events", "--acks")
    assert out[0] == {"type": "committed", "event": "m1", "duplicate": False}
    said = out[1]
    assert list(said) == ["type", "id", "group", "member", "text", "mentions", "key", "event", "because"]
    assert said | {"text": ""} == {
        "type": "say", "id": "m1/0", "group": "g1", "member": None, "text": "", "mentions": [], "key": "checkin.done",
        "event": "m1", "because": "12月2日第一次签到",
    }  # fmt: skip
    assert "小满" in said["text"]
    assert len(out) == 2


@pytest.mark.parametrize("clock", CLOCKS)
def test_answers_and_receipts_come_for_every_event_once(pipe: Pipe, clock: str) -> None:
    lines = [message("m1", at=RECENT), message("m2", "哈哈"), message("m1"), message("m3", "签到")]
    out = pipe.talk(lines, "--clock", clock, "--acks")
    acks = [(one["event"], one["duplicate"]) for one in of_type(out, "committed")]
    assert acks == [("m1", False), ("m2", False), ("m1", True), ("m3", False)]
    assert [one["event"] for one in of_type(out, "say")] == ["m1", "m3"]
    again = pipe.talk(lines, "--clock", clock, "--acks")
    assert [one["duplicate"] for one in again] == [True] * 4


@pytest.mark.parametrize("clock", CLOCKS)
def test_without_acks_only_what_is_said_comes_out(pipe: Pipe, clock: str) -> None:
    out = pipe.talk([message("m1", at=RECENT), message("m2", "哈哈")], "--clock", clock)
    assert [one["type"] for one in out] == ["say"]


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_bad_line_is_named_by_its_number_and_disturbs_nothing(pipe: Pipe, clock: str) -> None:
    at = RECENT
    lines: list[object] = [
        message("m1", at=at), "{", "", "   ", "[1]", {"type": "massage"}, {"type": "message", "id": "x", "at": at},
        b"\xff\xfe", message("m2", at="noon"), message("m3", at=at, member="u2"), b"x" * (MAX_LINE + 1),
        message("m4", at=at, member="u3"), {"type": "joined", "id": "j", "group": "g1", "members": []},
    ]  # fmt: skip
    out = pipe.talk(lines, "--clock", clock)
    assert [one["line"] for one in of_type(out, "error")] == [2, 5, 6, 7, 8, 9, 11, 13]
    assert all(one["error"] for one in of_type(out, "error"))
    assert [one["event"] for one in of_type(out, "say")] == ["m1", "m3", "m4"]
    if clock == "events":
        assert [one.get("event", one.get("line")) for one in out] == ["m1", 2, 5, 6, 7, 8, 9, "m3", 11, "m4", 13]


def test_a_line_that_is_too_long_and_never_ends_is_named_too(pipe: Pipe) -> None:
    data = as_bytes([EXAMPLE]) + b"x" * (MAX_LINE + 300_000)
    out = [json.loads(one) for one in pipe.run(data, "--clock", "events").splitlines()]
    assert [one.get("line") for one in out] == [None, 2]
    assert "longer than" in out[1]["error"]


def test_the_last_line_needs_no_line_break(pipe: Pipe) -> None:
    assert [json.loads(one)["key"] for one in pipe.run(EXAMPLE.encode(), "--clock", "events").splitlines()] == [
        "checkin.done"
    ]


@pytest.mark.parametrize(("clock", "data"), [("events", b""), ("real", b"\n\n"), ("events", b"{\n")])
def test_an_input_without_events_ends_well(pipe: Pipe, clock: str, data: bytes) -> None:
    out = pipe.run(data, "--clock", clock)
    assert (out != b"") == (data == b"{\n")


def test_every_documented_kind_of_line_is_understood(pipe: Pipe) -> None:
    at = "2026-12-02T11:58:00+08:00"
    members = [{"id": "u2", "name": "小明"}]
    out = pipe.talk(
        [
            {"type": "joined", "id": "j1", "at": at, "group": "g1", "members": members, "inviter": "u1"},
            {"type": "left", "id": "l1", "at": at, "group": "g1", "members": members},
            {"type": "contact_added", "id": "c1", "at": at, "member": "u2", "name": "小明"},
            message("p1", "", kind="picture", media="https://x/y.png"),
            message("q1", "哈哈", quote={"id": "m0", "member": "u9", "text": "签到"}),
            {"type": "message", "id": "d1", "member": "u2", "text": "帮助"},
        ],
        "--clock", "events", "--acks",
    )  # fmt: skip
    assert of_type(out, "error") == []
    assert [one["event"] for one in of_type(out, "committed")] == ["j1", "l1", "c1", "p1", "q1", "d1"]
    said = [(one["key"], one["group"], one["member"]) for one in of_type(out, "say")]
    assert said == [("welcome.group", "g1", None), ("welcome.contact", None, "u2"), ("help.member", None, "u2")]
    greeting = next(one for one in out if one.get("key") == "welcome.group")
    assert greeting["mentions"] == ["u2"]


def test_time_that_moves_brings_what_falls_due(pipe: Pipe) -> None:
    out = pipe.talk(
        [
            message("m1", "你们好", at="2026-12-02T11:58:00+08:00", group="posts"),
            {"type": "time", "at": "2026-12-02T11:59:59+08:00"},
            message("m2", "哈哈", group="posts"),
            {"type": "time", "at": "2026-12-04T12:00:00+08:00"},
        ],
        "--clock", "events", "--acks",
    )  # fmt: skip
    assert [one.get("key", one["event"]) for one in out] == [
        "m1", "m2", "post.wednesday", "post.morning_call", "post.morning_call", "post.friday_noon",
    ]  # fmt: skip


def test_a_line_without_a_moment_happens_when_the_one_before_it_did(pipe: Pipe) -> None:
    out = pipe.talk([message("m0"), message("m1", at="2026-12-02T23:59:00+08:00"), message("m2", member="u2")],
                    "--clock", "events")  # fmt: skip
    assert (out[0]["type"], out[0]["line"]) == ("error", 1)
    assert pipe.ask("SELECT day FROM check_in") == [("2026-12-02",), ("2026-12-02",)]


def test_moments_far_off_are_refused_or_handled(pipe: Pipe) -> None:
    out = pipe.talk(
        [
            message("m1", at="2026-12-02T12:00:00+08:00"), message("m2", at="2098-01-01T00:00:00+08:00", member="u2"),
            message("m3", at="2001-01-01T00:00:00+08:00", member="u3"), message("m4", at="0001-01-01", member="u4"),
            message("m5", member="u5"),
        ],
        "--clock", "events",
    )  # fmt: skip
    assert [(one["type"], one.get("key"), one.get("line")) for one in out] == [
        ("say", "checkin.done", None), ("error", None, 2), ("say", "checkin.too_late", None), ("error", None, 4),
        ("say", "checkin.done", None),
    ]  # fmt: skip


def a_busy_week(seed: int, count: int) -> bytes:
    """Random lines of every kind, with repetitions, bad lines and days out of order."""
    rng = random.Random(seed)
    lines: list[object] = []
    words = [
        "签到",
        "哈哈",
        "怎么退款",
        "签到榜",
        "我的签到",
        "补签",
        "@小元子 你好",
        "帮助",
        "设置",
        "签到 吗",
        "",
        "撤销 1",
    ]
    for number in range(count):
        minute = number * 7 * 24 * 60 // count - rng.choice([0, 0, 0, 0, 1, 60, 1500])
        at = f"2026-12-{2 + max(0, minute) // 1440:02}T{max(0, minute) % 1440 // 60:02}:{max(0, minute) % 60:02}:00+08:00"
        event_id = f"e{rng.randrange(number + 1) if rng.random() < 0.05 else number}"
        common: dict[str, Any] = {"id": event_id, "at": at, "group": rng.choice(["g1", "g2", "posts"])}
        dice = rng.random()
        member = rng.choice([f"u{rng.randrange(60)}"] * 20 + ["dianzhang"])
        if dice < 0.04:
            people = [{"id": f"n{rng.randrange(300)}", "name": "新"} for _ in range(rng.randrange(1, 9))]
            lines.append({"type": rng.choice(["joined", "left"]), **common, "members": people})
        elif dice < 0.05:
            lines.append({"type": "contact_added", "id": event_id, "at": at, "member": member, "name": "友"})
        elif dice < 0.06:
            lines.append({"type": "time", "at": at})
        elif dice < 0.07:
            lines.append(rng.choice(["{", "[]", '{"type":"x"}', "", '{"type":"message"}']))
        else:
            if rng.random() < 0.1:
                del common["group"]
            lines.append(
                {"type": "message", **common, "member": member, "name": f"名{member}", "text": rng.choice(words)}
            )
    return as_bytes(lines)


def feeding(process: "Forked | subprocess.Popen[bytes]", data: bytes, sizes: Iterable[int]) -> threading.Thread:
    """Writes the input in pieces of these sizes beside whoever reads the output."""

    def write() -> None:
        assert process.stdin is not None
        start = 0
        with contextlib.suppress(BrokenPipeError):
            for size in sizes:
                process.stdin.write(data[start : start + size])
                process.stdin.flush()
                start += size
                if start >= len(data):
                    break
            process.stdin.close()

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def in_pieces(arguments: list[str], data: bytes, sizes: Iterable[int]) -> bytes:
    """Feeds the input in pieces of these sizes to a process with hashes of its own, and collects the output."""
    command = [sys.executable, "-m", "bot", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        thread = feeding(process, data, sizes)
        out = process.stdout.read()
        thread.join()
    assert process.returncode == 0
    return out


def test_the_same_input_gives_the_same_bytes_whenever_and_in_whatever_pieces_it_comes(
    tmp_path: Path, settings_file: Path
) -> None:
    data = a_busy_week(7, 5_000)
    for name in ("whole", "pieces"):
        (tmp_path / name).mkdir()
    whole = Pipe(tmp_path / "whole", settings_file).run(data, "--clock", "events", "--acks")
    rng = random.Random(1)
    second = Pipe(tmp_path / "pieces", settings_file)
    sizes = (rng.choice([1, 7, 100, 997, 5_000, 60_000]) for _ in range(1_000_000))
    assert in_pieces(second.arguments("--clock", "events", "--acks"), data, sizes) == whole
    kinds = [json.loads(line)["type"] for line in whole.splitlines()]
    assert kinds.count("say") > 1_000
    assert kinds.count("error") > 20
    report, _ = Forked("fsck", "--db", second.db).communicate()
    assert json.loads(report)["violations"] == []


def test_another_seed_gives_other_words_and_the_same_meaning(tmp_path: Path, settings_file: Path) -> None:
    data = a_busy_week(3, 150)
    outs = []
    for seed in ("test", "other"):
        text = settings_file.read_text(encoding="utf-8").replace('"test"', f'"{seed}"')
        settings_file.write_text(text, encoding="utf-8")
        (tmp_path / seed).mkdir()
        outs.append(
            [
                json.loads(one)
                for one in Pipe(tmp_path / seed, settings_file).run(data, "--clock", "events").splitlines()
            ]
        )
    assert outs[0] != outs[1]
    assert [{**one, "text": ""} for one in outs[0]] == [{**one, "text": ""} for one in outs[1]]


@pytest.mark.parametrize("clock", CLOCKS)
def test_after_a_kill_everything_acknowledged_is_there_and_a_resend_completes_it(pipe: Pipe, clock: str) -> None:
    at = RECENT
    events = [message(f"m{number}", member=f"u{number % 50}", at=at) for number in range(1_200)]
    data = as_bytes(events)
    with Forked(*pipe.arguments("--clock", clock, "--acks")) as process:
        thread = feeding(process, data[: len(data) // 2], [1 << 30])
        seen = [json.loads(process.stdout.readline()) for _ in range(100)]
        process.send_signal(signal.SIGKILL)
        seen += [json.loads(line) for line in process.stdout if line.endswith(b"}\n")]
        thread.join()
    acknowledged = {one["event"] for one in of_type(seen, "committed")}
    stored = {row[0] for row in pipe.ask("SELECT id FROM interaction WHERE kind = 'message'")}
    assert acknowledged <= stored
    assert {one["event"] for one in of_type(seen, "say") if one["key"].startswith("checkin")} <= stored
    out = pipe.talk(events, "--clock", clock, "--acks")
    assert {one["event"] for one in of_type(out, "committed") if one["duplicate"]} == stored
    said_twice = {one["id"] for one in of_type(seen, "say")} & {one["id"] for one in of_type(out, "say")}
    assert said_twice == set()
    assert pipe.ask("SELECT count(*) FROM interaction WHERE kind = 'message'") == [(1_200,)]
    assert pipe.ask("SELECT count(*), (SELECT sum(amount) FROM entry WHERE account LIKE 'member:%') FROM check_in") == [
        (50, 250)
    ]


@pytest.mark.parametrize("clock", CLOCKS)
def test_when_nobody_reads_the_output_it_ends_with_a_plain_error(pipe: Pipe, clock: str) -> None:
    data = as_bytes([message(f"m{number}", at=RECENT) for number in range(600)] + ["{"] * 100)
    with Forked(*pipe.arguments("--clock", clock, "--acks")) as process:
        process.stdout.close()
        thread = feeding(process, data, [1 << 30])
        error = process.stderr.read().decode()
        thread.join()
    assert process.returncode == 1
    assert "Traceback" not in error


@pytest.mark.parametrize("options", [("--clock", "yesterday"), ("--nonsense",)])
def test_a_wrong_option_is_explained(options: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["pipe", *options])
    assert "yuanzi pipe --help" in capsys.readouterr().err


def test_settings_that_cannot_be_used_stop_the_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.toml").write_text("[bott]\n", encoding="utf-8")
    db = tmp_path / "x.db"
    assert main(["pipe", "--db", str(db), "--config", str(tmp_path / "config.toml")]) == 2
    assert "是不是想写 bot" in capsys.readouterr().err
    assert not db.exists()


# -- pieces of input -----------------------------------------------------------------------------------------------


async def lines_of(data: bytes, sizes: Iterable[int]) -> list[bytes]:
    """The lines that a reader finds when the input arrives in these pieces."""
    reader = LineReader(-1)
    found: list[bytes] = []
    start = 0
    for size in sizes:
        found += reader._split(data[start : start + size])
        start += size
    found += reader._split(data[start:])
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000_000])
async def test_lines_are_the_same_in_whatever_pieces_they_arrive(size: int) -> None:
    data = "a\n\n签到\r\nb b\nlast\n".encode()
    assert await lines_of(data, [size] * 30) == [b"a", b"", "签到\r".encode(), b"b b", b"last"]


@pytest.mark.parametrize("sizes", [[], [MAX_LINE + 2], [MAX_LINE // 2] * 3, [MAX_LINE + 1, 1, 1]])
async def test_a_line_beyond_the_limit_is_one_line_however_it_arrives(sizes: list[int]) -> None:
    data = b"a\n" + b"y" * (MAX_LINE + 100) + b"\nb\n"
    first, long, last = await lines_of(data, sizes)
    assert (first, last) == (b"a", b"b")
    assert len(long) > MAX_LINE
