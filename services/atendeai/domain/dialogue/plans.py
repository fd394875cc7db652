"""Health plans: which accepted one is meant, and how the name of another is written."""

import re

from atendeai.domain.dialogue.clinic import Clinic
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.spelling import distance

_BRANDS = {
    "sulamerica": "SulAmérica",
    "notredame": "NotreDame",
    "notredameintermedica": "NotreDame Intermédica",
    "intermedica": "Intermédica",
    "bradescosaude": "Bradesco Saúde",
    "sulamericasaude": "SulAmérica Saúde",
    "careplus": "Care Plus",
    "sus": "SUS",
    "gndi": "GNDI",
    "geap": "GEAP",
    "cassi": "CASSI",
    "fusex": "FUSEX",
    "ipasgo": "IPASGO",
    "ipsemg": "IPSEMG",
    "iamspe": "IAMSPE",
    "cabesp": "CABESP",
    "saudecaixa": "Saúde Caixa",
    "saocristovao": "São Cristóvão",
    "saofrancisco": "São Francisco",
}
"""As the companies write themselves."""
PRIVATE = "particular"
_LEAST = 5


def accepted(clinic: Clinic, said: str) -> str | None:
    """The accepted plan of that name, as the clinic writes it; spaces and accents do not matter."""
    wanted = _bare(said)
    exact = next((p for p in clinic.insurance if _bare(p) == wanted), None)
    within = exact or next((p for p in clinic.insurance if wanted in _bare(p) or _bare(p) in wanted), None)
    return within or next((p for p in clinic.insurance if _alike(said, p)), None)


def written(clinic: Clinic, said: str) -> str:
    """A plan's name for a reply: as the clinic writes it, else as its company does."""
    known = accepted(clinic, said) or _BRANDS.get(_bare(said))
    return known or " ".join(w if w[:1].isupper() and not w.isupper() else w.capitalize() for w in said.split())


def _alike(said: str, plan: str) -> bool:
    """Whether every word that was said is one of the plan's, with a slip at most ("unimedi")."""
    words, own = fold(said).split(), fold(plan).split()
    return all(any(len(o) >= _LEAST and distance(w, o, 1) <= 1 for o in own) for w in words)


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", fold(name))
