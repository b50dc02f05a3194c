"""The tables, step by step, a file for each family. A step never changes once it has landed; a change is a new step."""

from sqlite_utils import Database as Tables
from sqlite_utils.migrations import Migrations

from storage.schema import (
    calendar,
    campaigns,
    channels,
    contact,
    crowds,
    draws,
    faq,
    games,
    house,
    koc,
    lifecycle,
    orders,
    plays,
    quizzes,
    sessions,
    shop,
    staffdesk,
    surveys,
    tags,
    titles,
)

steps = Migrations("yuanzi")
DESTRUCTIVE: frozenset[str] = frozenset({"m050_draws_by_answer"})
"""Names of steps that drop or rewrite data: a backup is kept before them."""


def _step(name: str, script: str) -> None:
    """One step, run once in every database, in the order in which steps are added."""

    def run(db: Tables) -> None:
        _run(db, script)

    steps(name=name)(run)


def _run(db: Tables, script: str) -> None:
    for statement in script.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


_step("m001_the_house", house.SCRIPT)
_step("m002_sessions", sessions.SCRIPT)
_step("m003_channels", channels.SCRIPT)
_step("m010_points", shop.SCRIPT)
_step("m030_quiz", quizzes.SCRIPT)
_step("m040_games", games.SCRIPT)
_step("m020_draws", draws.SCRIPT)
_step("m050_draws_by_answer", plays.ANSWERS)
_step("m051_quick_look_ups", plays.INDICES)
_step("m050_titles", titles.SCRIPT)
_step("m050_calendar", calendar.SCRIPT)
_step("m050_contact", contact.SCRIPT)
_step("m050_tags", tags.SCRIPT)
_step("m051_lifecycle", lifecycle.SCRIPT)
_step("m052_orders", orders.SCRIPT)
_step("m053_crowds", crowds.SCRIPT)
_step("m054_koc", koc.SCRIPT)
_step("m055_surveys", surveys.SCRIPT)
_step("m060_campaigns", campaigns.SCRIPT)
_step("m060_staffdesk", staffdesk.SCRIPT)
_step("m070_faq", faq.SCRIPT)
_step("m071_faq_stands_for", faq.STANDS_FOR)
_step("m080_quick_open_lines", house.QUICK_OPEN)
_step("m080_quiz_guesses", plays.GUESSES)
