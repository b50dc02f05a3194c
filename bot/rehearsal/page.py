"""report.html."""

from bot.rehearsal.report import Report


def page_of(report: Report) -> str:
    """The page."""
    return str(report["summary"]["line"])
