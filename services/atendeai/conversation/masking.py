"""Masks what tells who a person is before words leave for an external model, and puts it back on the way in; pure.

Names, telephone numbers, CPF and other documents, e-mail addresses and addresses on the web become placeholders that
mean nothing outside one turn. Names of the clinic's own staff, services and plans are public and stay.
"""

import re
from collections.abc import Iterable

from atendeai.domain.dialogue.naming import name_in
from atendeai.domain.understanding.normalise import fold

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LINK = re.compile(r"(?i)\b(?:https?://|www\.)\S+")
_NUMBER = re.compile(r"(?<![\w/])\+?\d[\d .()/-]{5,}\d(?![\w])")
_DATE = re.compile(r"\d{1,2}/\d{1,2}(?:/\d{2,4})?|\d{4}-\d{2}-\d{2}|\d{1,2}[:h]\d{2}")
_MOST_DATE_DIGITS = 8
_DOCUMENT = re.compile(r"(?i)\b(?:cpf|rg|cns|carteirinha|matr[íi]cula|passaporte|cnh)\W{0,4}(?P<number>[\w./-]{4,})")
_NAMES = re.compile(r"\b[A-ZÀ-Ý][a-zà-ÿ'’-]+(?: (?:(?:d[aeo]s?|e) )?[A-ZÀ-Ý][a-zà-ÿ'’-]+)+")
_KIN = re.compile(
    r"(?i:\b(?:filh[oa]|m[ãa]e|pai|espos[oa]|marido|mulher|av[óôo]|sobrinh[oa]|net[oa]|irm[ãa]o?|beb[êe]|sogr[oa]|ti[oa]|"
    r"amig[oa]|prim[oa]|pro|pra|para o|para a|sou (?:o|a)|aqui [ée] (?:o|a)?)),? (?P<name>[A-ZÀ-Ý][a-zà-ÿ]+)\b"
)
_TITLE = re.compile(r"(?i)^(?:dra?|doutora?)\.? ")
_ASIDE = re.compile(r"\x02(\d+)\x03")
_PLACEHOLDER = re.compile(r"\[[A-Z]+_\d+\]")


class Mask:
    """One turn's placeholders. ``public``: names that may leave; ``known``: names that must not."""

    def __init__(self, public: Iterable[str] = (), known: Iterable[str | None] = ()) -> None:
        self._names = sorted({_TITLE.sub("", name) for name in public if name}, key=len, reverse=True)
        self._public = [fold(name) for name in self._names]
        self._words = {word for name in self._public for word in re.findall(r"\w+", name)}
        self._by_original: dict[str, str] = {}
        self._by_placeholder: dict[str, str] = {}
        self._known: list[str] = []
        for name in known:
            self._learn(name)

    def hide(self, text: str) -> str:
        """The text with placeholders."""
        for for_other in (False, True):
            for line in text.splitlines():
                self._learn(name_in(line, for_other=for_other))
        text = _EMAIL.sub(lambda m: self._placeholder("EMAIL", m[0]), text)
        text = _LINK.sub(lambda m: self._placeholder("LINK", m[0]), text)
        text = _DOCUMENT.sub(lambda m: m[0].replace(m["number"], self._placeholder("DOCUMENTO", m["number"])), text)
        text = _NUMBER.sub(self._number, text)
        for name in sorted(self._known, key=len, reverse=True):
            text = re.sub(rf"(?i)\b{re.escape(name)}\b", lambda m: self._placeholder("NOME", m[0]), text)
        text, kept = self._set_aside(text)
        text = _NAMES.sub(self._name, text)
        text = _KIN.sub(lambda m: m[0].replace(m["name"], self._single(m["name"])), text)
        return _ASIDE.sub(lambda m: kept[int(m[1])], text)

    def show(self, text: str) -> str:
        """The text with what the placeholders stand for. Raises ValueError on one that was never given."""
        for placeholder in set(_PLACEHOLDER.findall(text)):
            if placeholder not in self._by_placeholder:
                raise ValueError("an unknown placeholder")
            text = text.replace(placeholder, self._by_placeholder[placeholder])
        return text

    def _set_aside(self, text: str) -> tuple[str, list[str]]:
        """The text with the clinic's public names out of the way, and those names."""
        kept: list[str] = []

        def aside(match: re.Match[str]) -> str:
            kept.append(match[0])
            return f"\x02{len(kept) - 1}\x03"

        for name in self._names:
            text = re.sub(rf"(?i)\b{re.escape(name)}(?!\w)", aside, text)
        return text, kept

    def _learn(self, name: str | None) -> None:
        if not name or self._is_public(name):
            return
        for part in {name, *name.split()}:
            if len(part) > len("das") and part not in self._known and fold(part) not in self._words:
                self._known.append(part)

    def _is_public(self, name: str) -> bool:
        wanted = set(re.findall(r"\w+", fold(name)))
        return any(wanted <= set(re.findall(r"\w+", public)) for public in self._public)

    def _name(self, match: re.Match[str]) -> str:
        return match[0] if self._is_public(match[0]) else self._placeholder("NOME", match[0])

    def _single(self, name: str) -> str:
        return name if fold(name) in self._words else self._placeholder("NOME", name)

    def _number(self, match: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", match[0])
        dated = _DATE.search(match[0]) is not None and len(digits) <= _MOST_DATE_DIGITS
        return match[0] if dated else self._placeholder("NUMERO", match[0])

    def _placeholder(self, kind: str, original: str) -> str:
        key = original.strip()
        if key not in self._by_original:
            count = sum(p.startswith(f"[{kind}_") for p in self._by_placeholder) + 1
            self._by_original[key] = f"[{kind}_{count}]"
            self._by_placeholder[self._by_original[key]] = key
        return self._by_original[key]
