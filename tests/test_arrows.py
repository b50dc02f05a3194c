"""The arrows of shared/DESIGN.md: who may know whom, which libraries stay where, where time and luck come from."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
WIRES = "a channel"
"""bot/channels/*.py: each knows its platform; `bot.channels` itself is the contract that all of them fulfil."""

CORE: dict[str, set[str]] = {
    # Standard library (and pydantic for settings) only.
    "errors": set(),
    "events": set(),
    "world": set(),
    "replies": set(),
    "words": set(),
    "segment": set(),
    # Heavy things made once, before anybody asks or when somebody does.
    "lazily": set(),
    "settings": set(),
    "channels": {"events"},
    # How settings are shown to people, in chat and in the reference pages.
    "shown": {"settings"},
    "config": {"errors", "settings"},
    # faq and scripts are files that people edit: read and checked by config, typed like settings.
    "faq": {"config", "errors", "lazily", "segment", "settings", "words"},
    "toml_text": set(),
    "scripts": {"config", "crowd", "errors", "replies", "settings", "toml_text", "world"},
    # Entries that beats take one after the other; solar terms come from scripts.
    "banks": {"config", "errors", "scripts", "settings", "world"},
    # Rules: numbers come from settings, a member's mistake is an error.
    # Idioms, answers and sums are compared in normalised form.
    "games": {"errors", "events", "replies", "settings", "words"},
    # Files that people edit: the shop, question banks, the serial.
    "catalogue": {"config", "errors", "settings"},
    "quizbank": {"config", "errors", "games", "settings", "toml_text"},
    "story": {"config", "errors", "settings"},
    # Words of complaint and distress, edited like the FAQ; whom a staff command means.
    "mood": {"config", "errors", "settings", "words"},
    "needs": {"config", "errors", "settings", "tagrules", "words"},
    "meant": {"context", "events"},
    # A draw as an operator writes it.
    "draw_plan": {"config", "crowd", "errors", "games", "settings"},
    # Titles and multipliers by lifetime points; the gates against freeloaders: rules over settings.
    "levels": {"settings"},
    "gates": {"settings"},
    # Tags and stages as rules over what happened; learning applies them to the tables, explaining puts them in words.
    "tagrules": {"config", "errors", "settings", "words"},
    "survey": {"config", "errors", "settings", "tagrules", "words"},
    "tagging": {"segment", "storage", "tagrules", "words"},
    "lifecycle": {"settings"},
    "learning": {"config", "context", "stages", "storage", "tagging", "tagrules", "world"},
    "stages": {"buying", "config", "lifecycle", "settings", "storage", "world"},
    "explaining": {"config", "context", "storage", "tagrules", "words", "world"},
    # Orders: proven and recorded once, with what follows for stage and tags; what a purchase sets off.
    "buying": {"config", "lifecycle", "storage", "tagging", "tagrules", "words", "world"},
    "orders": {"sequences", "buying", "context", "redeeming", "replies", "storage", "words", "world"},
    # Segments: the language, and who is meant.
    "crowd": {"config", "lifecycle", "storage"},
    "crowds": {"config", "context", "crowd", "learning", "storage", "world"},
    # Group health: rules over facts; the digest asks the tables.
    "health": {"settings", "storage", "world"},
    "checkups": {"config", "context", "health", "lifecycle", "storage", "world"},
    # Whom a command names.
    "whom": {"context", "events"},
    # context -> config, storage, and what its own signatures name.
    "context": {"draw_plan", "catalogue", "quizbank", "story", "config", "errors", "events", "replies", "scripts", "settings", "words", "world", "storage", "banks", "survey", "tagrules", "faq", "needs"},
    # Which role each staff word needs, as this deployment wants it.
    "rights": {"config", "errors", "router", "settings", "words"},
    # What the question book says and how it is written down; teaching it by chat: shared by several handlers.
    "answering": {"context", "events", "faq", "replies", "words", "world"},
    "teaching": {"context", "errors", "faq", "replies", "settings", "storage", "words", "world"},
    "router": {"context", "errors", "events", "replies", "settings", "words"},
    # The streak rules applied to the tables: shared by check-in and undo, so that neither handler imports the other.
    "attendance": {"games", "levels", "settings", "storage"},
    # Points for talk and invitations, and redemptions with their consequences: shared by several handlers.
    "earning": {"context", "levels", "settings", "storage", "words", "world"},
    "redeeming": {
        "catalogue", "context", "earning", "errors", "gates", "replies", "settings", "storage", "world",
    },
    "reminding": {"contact", "context", "redeeming", "replies", "storage", "world"},
    # Draws: the life of one draw over the tables, its proof as text, its words; shared by several handlers.
    # When and where winners are reminded: shared by the life of a draw and by the handler that speaks.
    "claims": {"contact", "context", "storage", "world"},
    "drawing": {
        "claims", "context", "crowd", "crowds", "draw_plan", "draw_proof", "errors", "games", "replies", "storage", "words",
        "world",
    },
    "draw_proof": {"games", "storage"},
    "draw_words": {"settings"},
    "draw_desk": {"context", "draw_plan", "drawing", "errors", "replies"},
    # Games and quiz in sessions, opened by words or by a beat; what beats open, and its proof at start-up.
    "playing": {"context", "earning", "errors", "games", "replies", "storage", "words", "world"},
    "quizzing": {"context", "errors", "games", "quizbank", "replies", "world"},
    "opening": {
        "contact", "context", "draw_plan", "drawing", "errors", "games", "playing", "quizbank", "quizzing", "replies",
        "scripts", "words",
    },
    "opening_proof": {
        "config", "context", "draw_plan", "errors", "games", "opening", "playing", "quizbank", "scripts", "settings",
        "world",
    },
    # A setting changed by chat, proven, written down and taken back.
    # The weekly digest: features add rows, one moment a week.
    "digest": {"context", "settings", "world"},
    "retuning": {"digest", "config", "context", "errors", "settings", "shown", "storage"},
    # What becomes of a beat: posted, merged, asked, dropped; things for people; sequences for single members.
    "tasking": {"context", "replies", "scripts", "storage", "world"},
    "posting": {"context", "opening", "replies", "scripts", "settings", "tasking", "world"},
    # Campaigns as staff name and steer them; those made by chat; a second person; lines that wait for a tap.
    "campaigning": {"config", "contact", "context", "errors", "exposure", "posting", "replies", "scripts", "words"},
    "campaign_words": {"settings"},
    "own_beats": {"context", "errors", "scripts", "storage", "world"},
    # What staff decided by chat, laid on files by those that only look: check, rehearsal, calendar.
    "standing": {"config", "content", "context", "errors", "own_beats", "scripts", "storage", "world"},
    "proposals": {"context", "errors", "replies", "settings", "world"},
    "confirming": {"context", "replies", "storage", "tasking", "words", "world"},
    "pausing": {"campaigning", "context", "crowd", "crowds", "learning", "errors", "replies", "scripts", "sequences", "storage", "words", "world"},
    "sequences": {"context", "crowd", "crowds", "earning", "posting", "replies", "scripts", "storage", "tasking", "world"},
    # handlers -> router, context, events, replies, errors, games, faq, tagging; besides: attendance (above), settings
    # (types of their rules), shown (values in answers), storage (see HANDLERS_FROM), config and world (see there too).
    "handlers": {
        "router", "context", "events", "replies", "errors", "games", "faq", "tagging",
        "attendance", "settings", "shown", "storage", "config", "world",
        "catalogue", "earning", "levels", "gates", "quizbank", "redeeming", "reminding", "story", "words",
        # Campaigns: what staff steer by chat are beats.
        "campaign_words", "campaigning", "confirming", "own_beats", "proposals", "scripts",
        "claims", "contact", "draw_desk", "draw_plan", "draw_proof", "draw_words", "drawing", "opening", "playing", "quizzing", "posting", "sequences", "pausing", "tasking",
        # Reminders look at the quiet hours themselves: whoever acts meanwhile is not reminded.
        "exposure", "meant",
        "buying", "crowd", "crowds", "checkups", "explaining", "learning", "orders", "lifecycle", "survey", "tagrules", "whom", "retuning", "digest", "answering", "teaching", "needs",
    },
    # Platform quotas as dated data; what is known about an unasked line, for the policy to judge.
    "quotas": {"config", "settings"},
    "exposure": {"config", "contact", "context", "lifecycle", "quotas", "replies", "settings", "storage", "world"},
    # contact and voice ask context for nothing but `zone_of`.
    "contact": {"context", "lifecycle", "replies", "settings"},
    "voice": {"context", "replies", "settings", "world"},
    "content": {"draw_plan", "catalogue", "quizbank", "story", "config", "errors", "faq", "opening_proof", "scripts", "settings", "voice", "banks", "mood", "needs", "survey", "tagrules", "words"},
    # Settings and content in, findings out: pure but for the names of files.
    "lint": {
        "banks", "config", "content", "draw_plan", "errors", "scripts", "settings", "standing", "storage", "voice",
    },
    "pace": {"channels", "world"},
    "outbox": {
        "channels", "config", "contact", "errors", "events", "exposure", "pace", "replies", "settings", "voice", "world",
        "storage",
    },
    "schedule": {"config", "context", "events", "scripts", "world"},
    # What was taught by chat, as entries of the question book.
    "shelf": {"faq", "storage"},
    # Implements the Desk of context over the running parts.
    "desk": {
        "draw_plan", "catalogue", "quizbank", "story", "words", "config", "content", "context", "errors", "outbox", "replies", "router", "schedule", "scripts", "settings", "shown", "banks", "lint", "survey", "tagrules", "own_beats", "voice", "faq", "needs", "shelf",
        "world", "storage",
    },
    # Staff hear of failures through the outbox like anybody else.
    "staff_news": {"context", "events", "outbox", "replies", "router", "storage", "world"},
    # engine -> events, router, storage, and what it drives.
    "engine": {
        "channels", "config", "context", "errors", "events", "outbox", "replies", "router", "schedule", "staff_news",
        "words", "world", "storage",
    },
    # channels -> events, errors; each finds its own part of the settings.
    WIRES: {"channels", WIRES, "events", "errors", "settings"},
}  # fmt: skip
"""Layer of bot/ -> the layers it may import. A new core module is added here with its reason; everything that is not
listed is the shell around the core (app, stage, rehearsal, commands, benchmarks), which the core never imports."""

HANDLERS_FROM: dict[str, set[str]] = {
    "bot.config": {"nearest"},  # "did you mean" in answers; settings themselves come through ctx
    "bot.world": {"to_ms", "from_ms"},  # tables hold ms; the clock itself is ctx.now
    "storage.koc": {"Show"},
    "storage.ledger": {
        "CARD",
        "Earning",
        "POINTS",
        "Movement",
        "account",
    },  # names of assets and accounts; tables through ctx.store
    # Rows that ctx.store hands out, and the words in which they are told apart.
    "storage.bonds": {"Distance"},
    "storage.crowds": {"Node"},
    "storage.exposure": {"Shown"},
    "storage.sessions": {"Session"},
    "storage.calendar": {"LatePost", "OPEN"},
    "storage.tasks": {"Task"},
    "storage.office": {"AuditRow"},
    "storage.draws": {"Draw", "WinnerRow"},
    "storage.gates": {"GateNote", "LEFT_EARLY"},
    "storage.points": {"HistoryRow"},
    "storage.quizzes": {"AnswerRow", "Asked"},
    "storage.shop": {"Redemption"},
    "storage.surveys": {"SurveyRun"},
    "storage.tags": {"Evidence", "TagRow"},
}
MAY_KNOW_HANDLERS = {"bot.app"}
MAY_KNOW_WIRES = {"rehearsal", "commands", "bench", "app", "stage", "room", "chat", "wiring", "manual", "manual_wires"}
MAY_KNOW_APP = {"rehearsal", "commands", "bench", "stage", "manual", "wiring"}
MAY_KNOW_WIRES = {"rehearsal", "commands", "bench", "app", "stage", "room", "chat", "wiring", "manual", "manual_wires"}
MAY_KNOW_APP = {"rehearsal", "commands", "hooks", "bench", "stage", "manual", "wiring"}

CLOCKS = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time"),
    ("time", "time_ns"), ("time", "localtime"),
}  # fmt: skip
LUCK = {"random", "secrets", "uuid"}
LUCK_ALLOWED = {
    "bot/channels/wecom/crypto.py": "nonces of the platform's encryption must not be predictable",
    "bot/bench/wechaty.py": "makes load for a benchmark",
    "bot/bench/faq.py": "makes load for a benchmark, seeded",
    "bot/faq/noise.py": "spoils test questions, seeded by the text",
    "bot/faq/training.py": "puts training data together, seeded; never runs in a bot",
}


class Import(NamedTuple):
    """`from module import name` somewhere in a file; `top` says that it runs when the file is imported."""

    file: str
    line: int
    module: str
    name: str
    top: bool


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[Import]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    late = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    name = path.relative_to(ROOT).as_posix()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno} imports relatively"
            for alias in node.names:
                yield Import(name, node.lineno, node.module or "", alias.name, node not in late)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name, node.lineno, alias.name, "", node not in late)


def layer_of(module: str) -> str:
    """`bot.channels.pipe` -> a channel; `bot.games.streaks` -> games; `storage.ledger` -> storage."""
    parts = module.split(".")
    if parts[0] != "bot":
        return parts[0]
    if parts[1:2] == ["channels"] and len(parts) > 2:
        return WIRES
    return parts[1] if len(parts) > 1 else "bot"


def module_of(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def target(one: Import) -> str:
    """The module that an import reaches: `from bot import app` reaches bot.app."""
    deeper = f"{one.module}.{one.name}".replace(".", "/")
    is_module = one.name and ((ROOT / f"{deeper}.py").exists() or (ROOT / deeper / "__init__.py").exists())
    return f"{one.module}.{one.name}" if is_module else one.module


INSIDE = [
    one for path in sources("bot", "storage") for one in imports(path) if one.module.split(".")[0] in ("bot", "storage")
]
EVERYTHING = [one for path in sources("bot", "storage") for one in imports(path)]


def show(found: list[Import]) -> list[str]:
    return [f"{one.file}:{one.line} {one.module} {one.name}".strip() for one in found]


def test_the_core_knows_only_what_its_arrows_allow() -> None:
    assert show(
        [
            one for one in INSIDE
            if layer_of(module_of(one.file)) in CORE
            and layer_of(target(one)) not in CORE[layer_of(module_of(one.file))] | {layer_of(module_of(one.file))}
        ]
    ) == []  # fmt: skip


def test_every_allowed_arrow_of_the_core_leads_to_the_core_or_the_tables() -> None:
    allowed = set().union(*CORE.values())
    assert allowed - set(CORE) <= {"storage", "tagging"}


def test_no_arrow_that_is_allowed_goes_round_in_a_circle() -> None:
    def reachable(layer: str) -> set[str]:
        seen: set[str] = set()
        todo = [layer]
        while todo:
            for following in CORE.get(todo.pop(), set()) - seen:
                seen.add(following)
                todo.append(following)
        return seen

    circles = [layer for layer in CORE if layer != WIRES and layer in reachable(layer)]
    assert circles == []


def test_handlers_take_little_from_where_they_take_anything_else() -> None:
    assert show(
        [
            one for one in INSIDE
            if one.file.startswith("bot/handlers/") and (target(one) in HANDLERS_FROM or one.module.startswith("storage"))
            and one.name not in HANDLERS_FROM.get(target(one), set())
        ]
    ) == []  # fmt: skip


def test_a_handler_never_imports_another_handler() -> None:
    assert show(
        [one for one in INSIDE if target(one).startswith("bot.handlers") and module_of(one.file) not in MAY_KNOW_HANDLERS]
    ) == []  # fmt: skip


def test_nobody_but_the_shell_imports_app() -> None:
    assert show(
        [one for one in INSIDE if target(one) == "bot.app" and layer_of(module_of(one.file)) not in MAY_KNOW_APP]
    ) == []  # fmt: skip


def test_nobody_but_the_shell_and_its_siblings_imports_a_channel() -> None:
    assert show(
        [
            one for one in INSIDE
            if layer_of(target(one)) == WIRES and layer_of(module_of(one.file)) not in MAY_KNOW_WIRES | {WIRES}
        ]
    ) == []  # fmt: skip


def test_channels_of_different_families_do_not_know_each_other() -> None:
    def family(module: str) -> str:
        return module.split(".")[2].partition("_")[0]

    assert show(
        [
            one for one in INSIDE
            if layer_of(module_of(one.file)) == WIRES and layer_of(target(one)) == WIRES
            and family(module_of(one.file)) != family(target(one))
        ]
    ) == []  # fmt: skip


def test_the_tables_know_nothing_of_the_bot() -> None:
    assert show([one for one in INSIDE if one.file.startswith("storage/") and one.module.split(".")[0] == "bot"]) == []


def test_the_tables_use_only_the_standard_library_and_their_database_library() -> None:
    ours = {"storage", "sqlite_utils", "openpyxl"}  # openpyxl: exports to spreadsheets
    assert show(
        [
            one for one in EVERYTHING
            if one.file.startswith("storage/") and one.module.split(".")[0] not in ours | set(sys.stdlib_module_names)
        ]
    ) == []  # fmt: skip


def test_only_the_tables_speak_to_the_database_library() -> None:
    assert show(
        [one for one in EVERYTHING if one.file.startswith("bot/") and one.module.split(".")[0] == "sqlite_utils"]
    ) == []  # fmt: skip


@pytest.mark.parametrize("name", ["events", "world", "errors", "replies", "words"])
def test_the_innermost_modules_use_the_standard_library_alone(name: str) -> None:
    foreign = [
        one for one in imports(ROOT / "bot" / f"{name}.py") if one.module.split(".")[0] not in sys.stdlib_module_names
    ]
    assert show(foreign) == []


def test_wechaty_is_never_imported_at_the_top_of_a_file() -> None:
    assert show([one for one in EVERYTHING if one.top and one.module.split(".")[0].startswith("wechaty")]) == []


def test_time_comes_from_the_world() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}"
        for path in sources("bot", "storage")
        if path != ROOT / "bot" / "world.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and ((ast.unparse(node.value).rpartition(".")[2], node.attr) in CLOCKS)
    ]  # fmt: skip
    assert found == []


def test_luck_and_ids_come_from_the_world() -> None:
    assert (
        show([one for one in EVERYTHING if one.module in LUCK and one.file not in {*LUCK_ALLOWED, "bot/world.py"}])
        == []
    )


def test_every_exception_for_luck_is_still_needed() -> None:
    used = {one.file for one in EVERYTHING if one.module in LUCK}
    assert {file for file in LUCK_ALLOWED if (ROOT / file).exists()} <= used


def test_nothing_in_the_core_sleeps_or_opens_a_connection() -> None:
    """Deciding is plain functions: no await, no network, no sleep."""
    forbidden = {"socket", "aiohttp", "httpx", "requests", "urllib.request", "http.client", "threading", "subprocess"}
    deciding = {"games", "attendance", "handlers", "faq", "contact", "voice", "router", "context", "words"}
    assert show(
        [one for one in EVERYTHING if layer_of(module_of(one.file)) in deciding and one.module in forbidden]
    ) == []  # fmt: skip
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources("bot")
        if layer_of(module_of(path.relative_to(ROOT).as_posix())) in deciding
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.AsyncFunctionDef | ast.Await)
    ]
    assert found == []


def test_there_is_no_drawer_for_everything() -> None:
    drawers = {"utils", "helpers", "manager", "base", "common"}
    assert [str(path) for path in sources("bot", "storage") if drawers & set(path.stem.split("_"))] == []


def test_the_arrows_see_what_they_should() -> None:
    """The guard itself: it reads imports of every shape and maps modules to layers."""
    tree = {(one.module, one.name) for one in INSIDE if one.file == "bot/app.py"}
    assert ("bot.engine", "Engine") in tree
    assert ("bot.handlers", "") in tree
    assert layer_of("bot.channels") == "channels"
    assert layer_of("bot.channels.pipe") == WIRES
    assert layer_of("bot.games.streaks") == "games"
    assert layer_of("storage.ledger") == "storage"
    assert target(Import("", 0, "bot", "app", top=True)) == "bot.app"
    assert target(Import("", 0, "bot.engine", "Engine", top=True)) == "bot.engine"
