"""Words of cancelling that ask for no cancellation: refused ("não cancelem"), or asked after ("vocês cancelaram?")."""

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


def without(norm: str) -> str | None:
    """What else a normalised message says; None where it neither refuses a cancellation nor asks whether one was."""
    rest = _DONE.sub(" ", REFUSED.sub(" ", norm))
    return None if rest == norm else rest.strip(" ,.;!?")
