"""Decides the intent of a message: what the rules say, weighed by the trained classifier.

The rules know structure (who comes first of several, answers in a word, a day that is a wish) and hold the floor; the
classifier has seen many ways of saying the same. It sees the rules' findings as well, so it has learnt where they
err. Sure signs of an emergency stand unless the classifier is as sure of the contrary; its own alarm needs less than
any other intent, because a missed emergency is the worst error there is. Both are also asked about what a message tells
apart from what it asks for: a wish beside an emergency would outweigh it in the sum.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache

from atendeai.domain.understanding import emergency
from atendeai.domain.understanding.intent import PRECEDENCE, Intent
from atendeai.domain.understanding.intents import Classifier, Judgement, by_rules
from atendeai.domain.understanding.model import trained
from atendeai.domain.understanding.normalise import normalise
from atendeai.domain.understanding.telling import told

_ALARM = -0.3
"""An emergency margin from here on alarms when the message names anything dangerous."""
_ALARM_DOUBTFUL = 0.1
"""The same when it names nothing dangerous, takes it back, or plainly wants something else."""
_UNMISTAKABLE = 0.45
"""Below this margin an alarm is doubtful: of the false ones most lie there, of the true ones one in thirty."""
_PLAINLY = 0.3
"""How much further than that of an emergency the margin of what it plainly wants lies."""
_CALM_SURE, _CALM_GRAVE = -0.6, -0.3
"""Margins below which a sign of the rules is taken for history, hearsay or a figure of speech."""
_FLOOR = -0.7
"""Below this margin the classifier knows too little of a message to contradict the rules."""
_LEAD_OVER_WEAK, _LEAD, _LEAD_OVER_FIRST, _LEAD_OVER_BOTH = 0.1, 0.2, 0.4, 0.7
"""How much further another intent must lie on its side than that of the rules: where these found little or guessed,
where they found something, where that would come before the other in the order of precedence, and where they found
the other as well: then the order decides, by convention, and the classifier knows no better. Like the floor, they
are what served best on phrases of patterns that the classifier had not been taught."""
_GRAVE = frozenset({Intent.OPT_OUT, Intent.DATA_REQUEST})
_CERTAIN = 0.0
"""From here on the classifier alone may say what stops reminders or opens a request under LGPD: words that only sound
so ("recebi uma mensagem") must not."""
_GUESSED = 0.55
"""Rules that found nothing but a time or a name take it for a wish to book; those that found nothing at all, for
something foreign. Neither is a sign of anything."""
_WEAK = 0.6
_SURE_OF_NOTHING = 0.8
"""Rules that know a message for something foreign are that sure at least."""
_STEEPNESS = 3.0
_A_CRY = 2
"""Of so few words no classifier knows more than that they are a sign ("infarto", "socorro")."""
_LONGEST_AT_ONCE = 500
"""Longer messages are weighed where they are answered alone: that takes tens of milliseconds."""
_WHOLE = 0.95
_AGAINST = frozenset({"taken back", "not sure", "over"})


@lru_cache(maxsize=512)
def alarming(raw: str) -> bool:
    """Whether a message by its words alone says that somebody is in danger now, to the rules or to the classifier.

    Remembered for the messages seen last: what waits is looked through again and again.
    """
    norm = normalise(raw).norm
    if emergency.is_emergency(norm):
        return True
    short = len(norm) <= _LONGEST_AT_ONCE
    return short and decide(norm, says_time=False, names_something=False).intent is Intent.EMERGENCY


def marks(norm: str, ruled: Judgement, *, says_time: bool, names_something: bool) -> frozenset[str]:
    """What the rules found, by name, for the classifier to weigh.

    A guess goes by another name than a finding: what it is worth is learnt apart.
    """
    alarm = emergency.signs(norm)
    if ruled.confidence <= _GUESSED:
        found = {f"guesses {ruled.intent}", *alarm}
    else:
        found = {f"is {ruled.intent}", *(f"shows {intent}" for intent in ruled.shown), *alarm}
    if says_time:
        found.add("time")
    if names_something:
        found.add("name")
    return frozenset(found)


def decide(norm: str, *, says_time: bool, names_something: bool, classifier: Classifier | None = None) -> Judgement:
    """The intent of a normalised message.

    ``says_time`` and ``names_something``: whether a time, or a service or professional, was found in it.
    ``classifier``: another than the build's.
    """
    ruled = by_rules(norm, says_time=says_time, names_something=names_something)
    judge = classifier or trained()
    if judge is None or (ruled.intent is Intent.EMERGENCY and len(norm.split()) <= _A_CRY):
        return ruled
    seen = marks(norm, ruled, says_time=says_time, names_something=names_something)
    whole = weighed(ruled, judge.margins(norm, seen), seen)
    alone = told(norm)
    if (whole.intent is Intent.EMERGENCY and not whole.doubtful) or alone in {"", norm}:
        return whole
    ruled, seen = as_told(alone)
    margins = judge.margins(alone, seen)
    beside = weighed(ruled, margins, seen)
    if beside.intent is not Intent.EMERGENCY:
        return whole
    if whole.intent is Intent.EMERGENCY:
        return whole if beside.doubtful else beside
    foremost = ruled.intent is Intent.EMERGENCY or margins[Intent.EMERGENCY] >= max(margins.values())
    return beside if foremost else whole


def as_told(alone: str) -> tuple[Judgement, frozenset[str]]:
    """What the rules say, and their marks, of what a message tells apart from what it asks for."""
    ruled = by_rules(alone, says_time=False, names_something=False)
    return ruled, marks(alone, ruled, says_time=False, names_something=False)


def weighed(ruled: Judgement, margins: Mapping[Intent, float], seen: Collection[str]) -> Judgement:
    """What the rules say (``ruled``, with their marks ``seen``) and the classifier's margins come to together."""
    urgent = margins[Intent.EMERGENCY]
    best = _best(ruled, margins)
    if ruled.intent is Intent.EMERGENCY:
        if urgent >= (_CALM_SURE if "sure" in seen else _CALM_GRAVE):
            return replace(ruled, doubtful=urgent < _UNMISTAKABLE)
        return Judgement(best, _confidence(margins[best]), frozenset({best}))
    foreign = ruled.intent is Intent.OUT_OF_SCOPE and ruled.confidence >= _SURE_OF_NOTHING
    doubtful = foreign or "danger" not in seen or bool(_AGAINST.intersection(seen)) or margins[best] > urgent + _PLAINLY
    if urgent >= (_ALARM_DOUBTFUL if doubtful else _ALARM):
        shown = frozenset({Intent.EMERGENCY})
        return Judgement(Intent.EMERGENCY, _confidence(urgent), shown, doubtful=urgent < _UNMISTAKABLE)
    if foreign or ruled.confidence >= _WHOLE or margins[best] < max(_FLOOR, margins[ruled.intent] + _lead(ruled, best)):
        return ruled
    return Judgement(best, _confidence(margins[best]), ruled.shown - {ruled.intent} | {best})


def _best(ruled: Judgement, margins: Mapping[Intent, float]) -> Intent:
    """What is most on its side, an emergency aside, and a grave one only where a rule shows it or it is certain."""
    possible = (
        intent
        for intent, margin in margins.items()
        if intent is not Intent.EMERGENCY and (intent not in _GRAVE or intent in ruled.shown or margin >= _CERTAIN)
    )
    return max(possible, key=margins.__getitem__)


def _lead(ruled: Judgement, other: Intent) -> float:
    if PRECEDENCE.index(ruled.intent) < PRECEDENCE.index(other) and ruled.confidence > _WEAK:
        return _LEAD_OVER_BOTH if other in ruled.shown else _LEAD_OVER_FIRST
    return _LEAD if ruled.confidence > _WEAK else _LEAD_OVER_WEAK


def _confidence(margin: float) -> float:
    return 1 / (1 + math.exp(-_STEEPNESS * margin))
