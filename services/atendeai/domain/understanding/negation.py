"""Words of changes that ask for none: a cancellation refused or asked after, another appointment that stays."""

import re

REFUSED = re.compile(
    r"(?<!por que )\b(?:nao|nem|nunca)(?: me)? (?:"
    r"(?:cancel(?:a|e|em|o|ar|amos)|desmar(?:ca|que|quem|co|car|camos))"
    r"|(?:quero|queria|queremos|precis[ao]m?|e|era|seria|vou|vamos|desejo|pretendo|gostaria)"
    r"(?: (?:mais|nem|de|para|me))* (?:cancelar|desmarcar)"
    r"|(?:quero|queria|queremos|precisa|e|era)(?: (?:mais|para|que|voces?|me))* (?:cancelem?|desmarquem?)"
    r")\b"
)
"""Without the infinitive the act stands by itself: "não vou, cancela" is a cancellation."""
_DONE = re.compile(
    r"\b(?:(?:cancel|desmarc)(?:aram|ou)|(?:foi|esta|ta|ficou|fui|era) (?:mesmo )?(?:cancel|desmarc)ad[oa]s?)\b"
    r"(?=[^.!]*\?)|\bse (?:(?:voces?|ja|a [a-z]+|el[ae]s?) )*(?:cancel|desmarc)(?:aram|ou)\b"
)


_OTHER_STAYS = re.compile(
    r"[\s,.;]*\b(?:(?:e|mas|so que) )?[ao]s? outr[oa]s? (?:(?:eu|nos|a gente|voces?|pode|podem|quero|vou|por favor) )*"
    r"(?:mant\w+|deix\w+|fic\w+|continu\w+|segue\w*|permanec\w+|preserv\w+|"
    r"comparec\w+|vou(?! \w+r\b)|nao (?:mex\w+|cancel\w+|mud\w+))\b"
    r"(?: (?:como esta|do jeito que esta|marcad[oa]|assim|mesmo|igual))?"
)


def without_what_stays(norm: str) -> str | None:
    """What a message says besides that another appointment stays ("a outra eu mantenho"); None where none does."""
    rest = _OTHER_STAYS.sub(" ", norm)
    return None if rest == norm else rest.strip(" ,.;!?")


def without(norm: str) -> str | None:
    """What else a normalised message says; None where it neither refuses a cancellation nor asks whether one was."""
    rest = _DONE.sub(" ", REFUSED.sub(" ", norm))
    return None if rest == norm else rest.strip(" ,.;!?")
