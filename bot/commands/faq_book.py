"""`yuanzi faq import` and `yuanzi faq export`: the question book from spreadsheets, and back."""

import argparse
import re
import sys
from pathlib import Path

from bot.config import load_config, read_toml
from bot.content import persona_folder
from bot.errors import ConfigError, Problem
from bot.faq import EntryModel, load_faq
from bot.faqimport import as_sheet, as_toml, read_entries, write_entries
from bot.shelf import TaughtShelf
from storage.database import Database
from storage.store import Store

FORMATS = (".csv", ".xlsx", ".toml")


def bring_in(args: argparse.Namespace) -> int:
    """Imports a file. Every problem comes at once, with its row: exit 2, unless the broken rows are to be skipped."""
    if args.file is None:
        raise ConfigError([Problem("yuanzi faq import", "", "要导入哪个文件", "yuanzi faq import 问答.xlsx")])
    folder = persona_folder(load_config(args.config))
    taboo = read_toml(folder / "persona.toml").get("taboo", [])
    entries, problems = read_entries(args.file, taboo)
    if problems and not args.skip_bad:
        raise ConfigError(problems, f"一条也没导入。其余 {len(entries)} 条没有问题，想先导入它们就加 --skip-bad。")
    if not entries:
        raise ConfigError(problems)
    name = args.name or re.sub(r"[^\w-]+", "-", args.file.stem).strip("-")
    if not re.fullmatch(r"[\w-]{1,60}", name):
        raise ConfigError(
            [Problem(str(args.file), "", f"「{name[:40]}」当不了文件名", "用 --name 给一个，只用字和横线")]
        )
    target = folder / "faq" / f"{name}.toml"
    before = target.read_bytes() if target.is_file() else None
    write_entries(target.parent, name, _beside(entries, args.file), replace=args.replace)
    try:
        total = len(load_faq(folder / "faq.toml", taboo))
    except ConfigError:
        # Together with the other files it does not hold: nothing of it stays.
        target.unlink() if before is None else target.write_bytes(before)
        raise
    for problem in problems:
        sys.stderr.write(f"  跳过 {problem}\n")
    sys.stdout.write(f"已导入 {len(entries)} 条到 {target}，一共 {total} 条。在群里发「重载」就能用。\n")
    return 0


def _beside(entries: list[EntryModel], file: Path) -> list[EntryModel]:
    """Pictures stay where they are: the new file names their whole path."""
    return [
        one.model_copy(
            update={
                field: str((file.parent / value).resolve())
                for field, value in (("picture", one.picture), ("evidence", one.evidence))
                if value and "://" not in value
            }
        )
        for one in entries
    ]


def hand_out(args: argparse.Namespace) -> int:
    """Exports what operators wrote and, with a database, what was taught by chat."""
    config = load_config(args.config)
    entries = list(load_faq(persona_folder(config) / "faq.toml"))
    path = args.db or Path(config.settings.storage.path)
    if path.is_file():
        database = Database.open(path)
        try:
            store = Store(database)
            fresh = {one.stands_for: one for one in store.faq.standing() if one.group_id is None and one.stands_for}
            taught = TaughtShelf(store, set).read()
        finally:
            database.close()
        # A new answer for everywhere is the entry's answer from now on; one for a group stays an entry of its own.
        used = {f"#{fresh[one.id].id}" for one in entries if one.id in fresh}
        entries = [
            one.model_copy(update={"answer": fresh[one.id].answer}) if one.id in fresh else one for one in entries
        ]
        entries += [one.model_copy(update={"id": f"taught-{one.id[1:]}"}) for one in taught if one.id not in used]
    kind = args.file.suffix.lower() if args.file else ".csv"
    if kind not in FORMATS:
        raise ConfigError([Problem(str(args.file), "", "认不出格式", "写成 .csv、.xlsx 或 .toml")])
    data = as_toml(entries, "问答").encode() if kind == ".toml" else as_sheet(kind, entries)
    if args.file is None:
        sys.stdout.buffer.write(data)
        return 0
    args.file.write_bytes(data)
    sys.stdout.write(f"已导出 {len(entries)} 条到 {args.file}。\n")
    return 0
