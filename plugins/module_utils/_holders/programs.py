# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an interpreter runs, by its command line. Pure.

Only the program is taken: never one of its own arguments, nor the value of an option, which may be a secret. Where an
option is not known, the next word may be its value, and nothing is said.
"""

from __future__ import annotations

import os
import re
import typing as t


class _Language(t.NamedTuple):
    """The options of an interpreter that come before what it runs."""

    executables: t.Pattern[str]
    runs: frozenset[str] = frozenset()
    """What is run is the next word."""
    inline: frozenset[str] = frozenset()
    """It is code on the command line, or nothing."""
    takes: frozenset[str] = frozenset()
    """The next word is a value."""
    attached: str = ""
    """Letters behind which a value follows in the same word."""
    is_by_words: bool = False
    """Options of one dash are whole words, not letters."""


def _language(executables: str, runs: str = "", inline: str = "", takes: str = "", **rest: t.Any) -> _Language:
    return _Language(
        re.compile(executables), frozenset(runs.split()), frozenset(inline.split()), frozenset(takes.split()), **rest
    )


# The manual pages of the interpreters.
_LANGUAGES = (
    _language(r"(python|pypy)[0-9.]*", runs="-m", inline="-c", takes="-W -X --check-hash-based-pycs"),
    _language(
        r"java",
        runs="-jar -m --module",
        takes="-cp -classpath --class-path -p --module-path --upgrade-module-path --add-modules --add-opens"
        " --add-exports --add-reads --limit-modules --patch-module --source",
        is_by_words=True,
    ),
    _language(
        r"node(js)?",
        inline="-e --eval -p --print",
        takes="-r --require --import --loader --experimental-loader -C --conditions --title",
    ),
    _language(r"j?ruby[0-9.]*", runs="-S", inline="-e", takes="-r -I -C -E --encoding", attached="WKxTiFl0"),
    _language(r"perl[0-9.]*", inline="-e -E", takes="-I", attached="MmiF0lCDVx"),
    _language(r"php[0-9.]*", runs="-f", inline="-r -B -R -E -S", takes="-c -d -z -t"),
    _language(r"(ba|da|z|k|a)?sh", inline="-c", takes="-o -O"),
)
# Options without a value, among those of two dashes; all others of that kind without "=" might have one.
_FLAGS = (
    *("--enable-preview", "--inspect", "--inspect-brk", "--enable-source-maps", "--no-warnings", "--trace-warnings"),
    *("--expose-gc", "--posix", "--login", "--norc", "--noprofile"),
)
_SERVERS = frozenset(("uvicorn", "gunicorn", "hypercorn", "daphne", "celery"))
_APPLICATION = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*(:[A-Za-z_][A-Za-z0-9_.]*)?")
_SERVER_FLAGS = frozenset(("--reload", "--preload", "--daemon", "-D", "--proxy-headers", "--factory"))
_SERVER_TAKES = frozenset(("-A", "--app"))


def is_interpreter(executable: str | None) -> bool:
    """Whether a program of this name or path runs other programs."""
    return _language_of(executable) is not None


def program(executable: str | None, arguments: t.Sequence[str]) -> str | None:
    """The script, module, jar or main class; ``gunicorn shop.wsgi:app`` for a server of applications.

    *arguments*: the whole command line, the interpreter first.
    """
    language = _language_of(executable)
    if not language or len(arguments) < 2:
        return None
    place = _place(language, arguments)
    if place is None or not arguments[place] or arguments[place].startswith(("-", "@")):
        return None
    found = arguments[place]
    server = os.path.basename(found)
    application = _application(arguments[place + 1 :]) if server in _SERVERS else None
    return f"{server} {application}" if application else found


def _language_of(executable: str | None) -> _Language | None:
    name = os.path.basename(executable or "")
    return next((language for language in _LANGUAGES if language.executables.fullmatch(name)), None)


def _place(language: _Language, arguments: t.Sequence[str]) -> int | None:
    """Where in the command line it is named. What is attached to its option is not found: nobody writes that."""
    place = 1
    while place < len(arguments):
        word = arguments[place]
        if word == "--":
            return place + 1 if place + 1 < len(arguments) else None
        if not word.startswith(("-", "+")):
            return place
        step = _step(language, word)
        if step is None:
            return None
        if step == _RUNS:
            return place + 1 if place + 1 < len(arguments) else None
        place += step
    return None


_RUNS = 0


def _step(language: _Language, word: str) -> int | None:
    """How many words an option takes, _RUNS if the next one is run, None if nothing more can be said."""
    if word in language.runs:
        return _RUNS
    if word in language.inline:
        return None
    if word in language.takes:
        return 2
    if word.startswith("--"):
        return 1 if "=" in word or word in _FLAGS else None
    return 1 if language.is_by_words else _step_by_letters(language, word)


def _step_by_letters(language: _Language, word: str) -> int | None:
    """Of options that are letters, of which several may be in a word: ``-um``."""
    for place, letter in enumerate(word[1:], 2):
        option, is_last = f"-{letter}", place == len(word)
        if option in language.runs:
            return _RUNS if is_last else None
        if option in language.inline:
            return None
        if option in language.takes:
            return 2 if is_last else 1
        if letter in language.attached:
            return 1
    return 1


def _application(arguments: t.Sequence[str]) -> str | None:
    """That which a server is started for. Behind an option, it might be the option's value."""
    before = ""
    for word in arguments:
        option, equals, value = word.partition("=")
        if option in _SERVER_TAKES and equals and _APPLICATION.fullmatch(value):
            return value
        is_free = before in _SERVER_TAKES or before in _SERVER_FLAGS or not before.startswith("-")
        if is_free and _APPLICATION.fullmatch(word) and (":" in word or "." in word or before in _SERVER_TAKES):
            return word
        before = word
    return None
