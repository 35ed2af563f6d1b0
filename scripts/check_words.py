"""Check that no forbidden word is in the interface, the docs, the comments, the names or the file names.

The list is ``scripts/forbidden_words.txt``. Exit status 1 where one is found. ``--count`` prints how often each is.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "scripts" / "forbidden_words.txt"
PLACES = ("interface", "docs", "comments", "identifiers", "files")
_PYTHON = ("explorer/", "tests/", "scripts/")
_OWN = {"scripts/forbidden_words.txt", "scripts/check_words.py", "tests/test_check_words.py"}
_TEXT_KEYWORDS = {"help", "description", "epilog", "title", "tooltip", "placeholder"}
_TEXT_CALLS = {"tr", "translate", "message", "Message"}
_NAME_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_CODE_BLOCK = re.compile(r"^(```|~~~).*?^\1", re.M | re.S)
_CODE = re.compile(r"`[^`\n]*`|\]\([^)]*\)|<[^>\n]*>")


@dataclass(frozen=True)
class Found:
    """One forbidden word: where, in which kind of text, and the text."""

    path: str
    line: int
    place: str
    word: str
    instead: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.place}: “{self.word}”, write: {self.instead} ({self.text.strip()[:80]})"


@dataclass
class Rules:
    """The list as it was read.

    Attributes
    ----------
    words
        By place: each word with what is written instead.
    exceptions
        Words, places, a pattern for paths and a regular expression.
    """

    words: dict[str, dict[str, str]] = field(default_factory=lambda: {place: {} for place in PLACES})
    exceptions: list[tuple[set[str], set[str], str, re.Pattern[str]]] = field(default_factory=list)

    def allowed(self, word: str, place: str, path: str, text: str) -> bool:
        """Return whether an exception covers a word."""
        return any(
            word in words and place in places and fnmatch(path, paths) and bool(pattern.search(text))
            for words, places, paths, pattern in self.exceptions
        )


def read_rules(text: str) -> Rules:
    """Read the list.

    Raises
    ------
    ValueError
        If a line has another form.
    """
    rules = Rules()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.removeprefix("!").split("|", 3 if line.startswith("!") else 2)]
        words = {word.strip().lower() for word in parts[0].split(",")}
        places = set(parts[1].split()) if len(parts) > 1 else set()
        if len(parts) < 3 or not places <= set(PLACES) or not places:
            raise ValueError(f"line {number}: expected “words | places | instead”, got {line!r}")
        if line.startswith("!"):
            paths, _, pattern = parts[2].partition(" | ") if len(parts) == 3 else (parts[2], "", parts[3])
            rules.exceptions.append((words, places, paths.strip(), re.compile(pattern or ".")))
            continue
        for place in places:
            rules.words[place] |= dict.fromkeys(words, parts[2])
    return rules


def _tracked() -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in names if (ROOT / name).is_file() and name not in _OWN]


def _pattern(words: dict[str, str]) -> re.Pattern[str]:
    choices = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])({choices})(?:s|es)?(?![\w-])" if choices else r"(?!)", re.IGNORECASE)


def _in_text(text: str, words: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Yield forbidden words with the number of the line within the text."""
    for match in _pattern(words).finditer(text):
        yield text.count("\n", 0, match.start()), re.sub(r"\s+", " ", match[1].lower())


def _in_name(name: str, words: dict[str, str]) -> Iterator[str]:
    for part in _NAME_PARTS.findall(name):
        lower = part.lower()
        for word in (lower, lower.removesuffix("s")):
            if word in words:
                yield word
                break


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def interface_texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and text of everything that a user reads: tr, messages, errors, and help of the command line."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        texts = list(node.args) if name == "translate" else node.args[:1]
        given = texts if name in _TEXT_CALLS or name.endswith("Error") else []
        given = given + [keyword.value for keyword in node.keywords if keyword.arg in _TEXT_KEYWORDS]
        for value in given:
            text = _literal(value)
            if text is not None:
                yield value.lineno, text


def _docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and (text := _literal(node.value)) is not None:
            yield node.lineno, text


def check_python(path: str, source: str, rules: Rules) -> Iterator[Found]:
    """Yield what is forbidden in a Python file."""
    tree = ast.parse(source)

    def found(place: str, line: int, word: str, text: str) -> Iterator[Found]:
        if not rules.allowed(word, place, path, text):
            yield Found(path, line, place, word, rules.words[place][word], text)

    if path.startswith("explorer/"):
        for line, text in interface_texts(tree):
            for offset, word in _in_text(text, rules.words["interface"]):
                yield from found("interface", line + offset, word, text)
    comments = list(_docstrings(tree))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            comments.append((token.start[0], token.string))
        elif token.type == tokenize.NAME:
            for word in _in_name(token.string, rules.words["identifiers"]):
                yield from found("identifiers", token.start[0], word, token.string)
    for line, text in comments:
        for offset, word in _in_text(_CODE.sub("", text), rules.words["comments"]):
            yield from found("comments", line + offset, word, text.splitlines()[offset])


def check_markdown(path: str, source: str, rules: Rules) -> Iterator[Found]:
    """Yield what is forbidden in a page, outside of code and links."""
    text = _CODE_BLOCK.sub(lambda match: "\n" * match[0].count("\n"), source)
    text = _CODE.sub("", text)
    for offset, word in _in_text(text, rules.words["docs"]):
        line = source.splitlines()[offset]
        if not rules.allowed(word, "docs", path, line):
            yield Found(path, offset + 1, "docs", word, rules.words["docs"][word], line)


def check(rules: Rules) -> Iterator[Found]:
    """Yield what is forbidden in the whole repository."""
    for path in _tracked():
        for word in _in_name(Path(path).stem, rules.words["files"]):
            if not rules.allowed(word, "files", path, path):
                yield Found(path, 0, "files", word, rules.words["files"][word], path)
        if path.endswith(".py") and path.startswith(_PYTHON):
            yield from check_python(path, (ROOT / path).read_text(encoding="utf-8"), rules)
        elif path.endswith(".md") and not path.startswith("tests/"):
            yield from check_markdown(path, (ROOT / path).read_text(encoding="utf-8"), rules)


def main() -> int:
    """Print what is forbidden; return 1 where there is anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", action="store_true", help="print only how often each word is found, by place")
    parser.add_argument("--place", action="append", choices=PLACES, help="check only these places (default: all)")
    options = parser.parse_args()
    places = options.place or PLACES
    found = [one for one in check(read_rules(LIST.read_text(encoding="utf-8"))) if one.place in places]
    if options.count:
        for (place, word), count in Counter((one.place, one.word) for one in found).most_common():
            print(f"{count:6} {place:12} {word}")
    else:
        print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
