"""The rules by which a message shows its intent. A rule is an intent, a pattern, and how sure it makes us."""

from atendeai.domain.understanding.rulebook import Rule
from atendeai.domain.understanding.rules_acts import ACTS
from atendeai.domain.understanding.rules_rest import REST
from atendeai.domain.understanding.rules_wider import WIDER

RULES: tuple[Rule, ...] = (*ACTS, *REST, *WIDER)
