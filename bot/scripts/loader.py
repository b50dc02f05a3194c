"""Script files -> beats: the built-in ones, then those of a deployment, with the problems of all files at once."""

from datetime import date
from pathlib import Path

from bot.config import check_model, read_toml
from bot.errors import ConfigError, Problem
from bot.replies import Sort
from bot.scripts.beat import OWN, Audience, Beat, Personal, Task, Variant
from bot.scripts.model import LATENESS, PERSONAL_LATENESS, BeatModel, ScriptModel, WaveModel, as_date
from bot.scripts.triggers import Around, Between, Dates, Days, Monthly, Trigger, Weekly

BUILT_IN = Path(__file__).resolve().parent
_EVERY_DAY = Weekly(("*",))


def load_scripts(folder: Path | None) -> dict[str, list[Beat]]:
    """Every script: the built-in ones, then those of `folder`, which replace built-in ones of the same file name.

    Raises ConfigError with the problems of all files.
    """
    files = {path.stem: path for path in sorted(BUILT_IN.glob("*.toml"))}
    if folder is not None:
        if not folder.is_dir():
            raise ConfigError([Problem(str(folder), "bot.scripts", "找不到这个目录")])
        files |= {path.stem: path for path in sorted(folder.glob("*.toml"))}
    scripts: dict[str, list[Beat]] = {}
    problems: list[Problem] = []
    if OWN in files:
        path = files.pop(OWN)
        problems.append(Problem(str(path), "", f"{OWN} 这个名字留给聊天里建的活动（{OWN}.n3）", "换个文件名"))
    for name, path in files.items():
        try:
            scripts[name] = _beats(name, check_model(ScriptModel, read_toml(path), str(path)), path)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return scripts


def beats_from(name: str, data: object, path: Path) -> list[Beat]:
    """The beats of one script from its data, as TOML would give it. Raises ConfigError with every problem."""
    return _beats(name, check_model(ScriptModel, data, str(path)), path)


def _beats(name: str, script: ScriptModel, path: Path) -> list[Beat]:
    beats: list[Beat] = []
    for model in script.beat:
        if not model.wave:
            beats.append(_beat(name, script, model, path))
        for number, wave in enumerate(model.wave, start=1):
            beats.append(_beat(name, script, _as_wave(model, wave), path, model, number))
    ids = [beat.id.partition(".")[2] for beat in beats]
    problems = [
        Problem(str(path), f"beat.{one}", "这个 id 写了两次", "每一拍用自己的 id")
        for one in sorted({one for one in ids if ids.count(one) > 1})
    ]
    problems += _step_problems(beats, path) + _missing_pictures(beats, path)
    if problems:
        raise ConfigError(problems)
    return beats


def _as_wave(model: BeatModel, wave: WaveModel) -> BeatModel:
    """The beat of one wave: what the wave does not say is that of the campaign."""
    changes = {
        "id": f"{model.id}-{wave.id}",
        "title": wave.title or f"{model.title}·{wave.id}",
        "time": wave.time,
        "between": wave.between,
        "phrase": wave.phrase or model.phrase,
        "slots": {**model.slots, **wave.slots},
        "picture": wave.picture or model.picture,
        "late": wave.late or model.late,
        "lateness": wave.lateness if wave.lateness is not None else model.lateness,
        "wave": (),
    }
    return model.model_copy(update=changes)


def _beat(
    name: str, script: ScriptModel, model: BeatModel, path: Path, of: BeatModel | None = None, wave: int = 0
) -> Beat:
    personal = _personal(model)
    usual = PERSONAL_LATENESS if personal and model.late == "send" else LATENESS[model.late]
    return Beat(
        id=f"{name}.{model.id}", script=name, title=model.title, script_title=script.title, personal=personal,
        trigger=None if personal else _trigger(script, model),
        phrase=model.phrase, slots=model.slots, bank=model.bank, picture=_located(model.picture, path),
        task=Task(model.task, model.owner, model.within) if model.does == "task" else None,
        opens=model.opens,
        variants={
            label: Variant(one.phrase, one.slots, _located(one.picture, path)) for label, one in model.variant.items()
        },
        groups=model.groups,
        audience=Audience(model.audience.types, model.audience.tags, model.audience.segment),
        late=model.late, lateness=usual if model.lateness is None else model.lateness,
        sort=Sort(model.sort), content=model.content, kind=model.kind, mechanics=model.mechanics, items=model.items,
        deal=model.deal, campaign=f"{name}.{(of or model).id}",
        campaign_title=(of or model).title, wave=wave, file=path,
        lint_off={**script.lint_off, **model.lint_off}, script_lint_off=script.lint_off,
    )  # fmt: skip


def _personal(model: BeatModel) -> Personal | None:
    if model.after is None and not model.step:
        return None
    return Personal(
        event=model.after, days=model.days[0] if model.days else 0, hours=model.hours,
        minute=model.time[0] if model.time else None, unless=model.unless, where=model.where, step=model.step,
        until=model.until, words=model.words, points=model.reward.points,
    )  # fmt: skip


def _trigger(script: ScriptModel, model: BeatModel) -> Trigger:
    return Trigger(_days(script, model), model.time, model.between, model.on, _window(script))


def _days(script: ScriptModel, model: BeatModel) -> Days:
    if model.weekday:
        return Weekly(model.weekday)
    if model.monthday:
        return Monthly(model.monthday, model.short_month or "skip")
    if model.date:
        once = [one for one in map(as_date, model.date) if one is not None]
        yearly = [one.split("-") for one in model.date if as_date(one) is None]
        pairs = tuple((int(month), int(day)) for month, day in yearly)
        return Dates(tuple(sorted(once)), pairs, model.short_month or "skip")
    if model.festival:
        return Around(model.festival, model.days or (0,))
    return _around(script.anchor, model.day) if model.day else _EVERY_DAY


def _around(anchor: str, offsets: tuple[int, ...]) -> Around:
    fixed = as_date(anchor)
    names, days = ((), (fixed,)) if fixed else ((anchor,), ())
    return Around(names, offsets, days, is_anchored=True)


def _window(script: ScriptModel) -> Days | None:
    window = script.window
    if window is None:
        return None
    if isinstance(window.opens, date) and isinstance(window.closes, date):
        return Between(window.opens, window.closes)
    assert isinstance(window.opens, int)
    assert isinstance(window.closes, int)
    return _around(script.anchor, tuple(range(window.opens, window.closes + 1)))


def _located(picture: str, path: Path) -> str:
    """A picture beside its script; what has an address is taken as it stands."""
    return picture if not picture or "://" in picture else str((path.parent / picture).resolve())


def _missing_pictures(beats: list[Beat], path: Path) -> list[Problem]:
    return [
        Problem(str(path), f"beat.{beat.id.partition('.')[2]}.picture", f"找不到图片 {words.picture}")
        for beat in beats
        for words in beat.all_words()
        if words.picture and "://" not in words.picture and not Path(words.picture).is_file()
    ]


def _step_problems(beats: list[Beat], path: Path) -> list[Problem]:
    """A sequence of steps counts 1, 2, 3, …; its first step says what begins it, all but the last what ends them."""
    steps = [beat for beat in beats if beat.personal is not None and beat.personal.step]
    numbers = sorted(beat.personal.step for beat in steps if beat.personal)
    if numbers != list(range(1, len(numbers) + 1)):
        return [Problem(str(path), "beat", f"步骤是 {numbers}", "从 1 数起，一步一号，不跳不重")]
    problems = []
    for beat in steps:
        assert beat.personal is not None
        key = f"beat.{beat.id.partition('.')[2]}"
        if (beat.personal.step == 1) != (beat.personal.event is not None):
            problems.append(Problem(str(path), f"{key}.after", "只有第 1 步写 after", "后面的步骤等前一步做完"))
        if (beat.personal.step < len(steps)) != bool(beat.personal.until):
            problems.append(Problem(str(path), f"{key}.until", "除最后一步外都要写 until：做了什么算做完"))
    return problems
