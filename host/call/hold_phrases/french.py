"""French phrases of queues, and of people who ask for a moment."""

_MOMENT = r"((juste |encore )?(un|une) (petit |petite )?(instant|moment|seconde|minute))"

PHRASES = {
    "announces": (
        r"\b(tous|toutes) nos (conseillers|conseillères|agents|opérateurs|lignes|collaborateurs)"
        r".{0,40}\b(occupé|en ligne|en communication)",
        r"\bvotre appel (est (très )?important|va être pris|sera pris|a été mis en attente)",
        r"\btemps d'attente (est )?estimé\b(?! pour)|\bdans (la|notre) file d'attente\b",
        r"\b(prochain|premier) (conseiller|agent|opérateur) disponible\b",
        r"\bnous allons (vous répondre|prendre votre appel|donner suite)\b",
    ),
    "queues": (
        r"(veuillez|merci de) (bien vouloir )?(patienter|rester en ligne)( .*)?",
        r"ne quittez pas|(restez|demeurez) en ligne( .*)?|vous êtes mis en attente( .*)?",
    ),
    "waits": (
        rf"{_MOMENT}|(attendez|patientez)( {_MOMENT})?|ne quittez pas|restez en ligne",
        rf"(pouvez|pourriez)[- ]vous (patienter|attendre)( {_MOMENT})?|(donnez|laissez)-moi "
        rf"{_MOMENT}|je reviens( tout de suite)?|je suis à vous tout de suite",
        r"je vous (passe|transfère|mets) (en attente|en relation|.{0,30})",
    ),
    "besides": (
        r"(oui|bon|bien|très bien|d'accord|bien sûr|merci|merci beaucoup|bonjour|allô|allo|pardon|"
        r"excusez-moi|s'il vous plaît|s'il vous plait|ok|okay|alors|euh|monsieur|madame)",
        r"merci (de|pour) .*|bienvenue .*|pendant que .*",
        r"je (vais )?(regarde|vérifie|cherche|demande|consulte|voir|vous passe)\w*\b.*",
        r"(il|elle) arrive.*",
    ),
    "addresses": (
        r"\bque puis-je\b|\b(comment )?puis-je vous aider\b|\bqui est\b|\bc'est qui\b",
        r"\b(êtes-vous|vous êtes) (toujours )?là\b|\bm'entendez\b|\bmon nom est\b|\bje m'appelle\b",
        r"^(bonjour|bonsoir|allô|allo)\b|\bmerci d'avoir (patienté|attendu)\b|\bà l'appareil\b",
    ),
    "menu": (r"\b(tapez|appuyez sur|composez le) (la )?(touche )?(\d|un|deux|trois|étoile|dièse)",),
}
