"""Plays a plan and makes the report of it; the only one who knows every part of the rehearsal."""

from pathlib import Path

from bot.config import Config
from bot.rehearsal.judge import problems_of
from bot.rehearsal.plan import Plan
from bot.rehearsal.posts import posts_of
from bot.rehearsal.report import Report, report_of
from bot.rehearsal.run import Theatre
from bot.rehearsal.seen import seen_by_members
from storage.fsck import check
from storage.standing import Standing

DATABASE = "rehearsal.db"


async def rehearse(plan: Plan, config: Config, folder: Path, standing: Standing | None = None) -> Report:
    """The report of a rehearsal that leaves its own database in `folder`. `standing`: what staff of the running bot
    decided by chat. Raises ConfigError."""
    theatre = Theatre(plan, config, folder / DATABASE, standing)
    try:
        show = await theatre.play()
        posts = posts_of(show)
        seen = seen_by_members(show, posts)
        broken = [f"{one.rule} {one.where}：{one.what}" for one in check(folder / DATABASE).violations]
        return report_of(show, posts, seen, problems_of(show, posts, seen, broken))
    finally:
        theatre.app.close()
