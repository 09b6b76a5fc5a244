"""French phrases of machines, screeners and people."""

_TONE = r"(bip|signal sonore|signal|top)"
_NUMBER = (
    r"\bnum[eé]ro( de t[eé]l[eé]phone)? "
    r"(que vous (avez |venez de |cherchez [aà] )?\w+|(compos|demand|appel)[eé])[^?.!]{0,40}?"
)
_SUBSCRIBER = rf"(\bvotre correspondante?\b|\bl'abonn[eé]e?\b|{_NUMBER})[^?.!]{{0,40}}?"

_HOURS = r"(heures|horaires) d'ouverture"

PHRASES = {
    "screening": (
        r"\b(dites|dire|donne[rz]|indique[rz]|enregistre[rz])\b.{0,12}\bvotre nom\b.{0,40}"
        r"\b(raison|motif|pourquoi)",
        rf"\b(dites|énoncez|indiquez|enregistrez) votre nom après le {_TONE}\b",
        r"\bfiltrage d.?appels?\b|\bsi (cette personne|il|elle) est disponible\b",
    ),
    "voicemail": (
        rf"\baprès le {_TONE}\b|\b(messagerie|boîte) vocale (de|du)\b|\brépondeur (de|du)\b",
        r"\blaisse[rz]?(-| )?(moi|nous)? ?(un|votre) message\b",
    ),
    "unavailable": (
        r"\b(boîte|messagerie) .{0,40}\bpleine\b|\bn'accepte (plus|pas) (de )?messages?\b",
    ),
    "not_in_service": (
        rf"{_NUMBER}\b(n'est (pas|plus) (attribu|en service|valide|affect)|n'existe|a chang|"
        r"est (invalide|erron))\w*",
        r"\bnum[eé]ro .{0,30}\b(pas attribué|plus en service)\b|\bpas d'abonn[eé]s? au num[eé]ro\b",
    ),
    "engaged": (rf"{_SUBSCRIBER}\b(est|sont) ([a-zéèà]+ )?(occup[eé]|en (ligne|communication))",),
    "unreachable": (
        rf"{_SUBSCRIBER}\b(n'est ([a-zéèà]+ )?(pas|plus) ([a-zéèà]+ )?(disponible|joignable)|"
        r"indisponible|injoignable|ne peut (pas )?([eê]tre joint|recevoir)|"
        r"n'accepte pas|ne (souhaite|d[eé]sire) pas recevoir)",
        r"\bne pouvons (pas )?donner suite à votre (appel|demande)\b",
        r"\bappel ne peut (pas )?(aboutir|[eê]tre (achemin|[eé]tabli))|\br[eé]seau .{0,20}satur",
    ),
    "closed": (
        rf"\b(nos|les|en dehors des|pendant les|aux) {_HOURS}\b",
        r"\b(actuellement|momentanément) ferm[eé]e?s?\b[^?]{0,40}\brappele[rz]\b",
    ),
    "queue": (r"\bne quittez pas\b|\brestez en ligne\b|\bpatientez\b|\bconseillers?\b",),
    "suspicious": (r"\b(pas|absente?|suis pas) (disponible|là|joignable)\b|\bvous rappelle",),
    "asks_back": (
        r"\bqui est (à l'appareil|ce|là)\b|\bpuis-je vous aider\b|\bde la part de qui\b",
        r"\bc'est qui\b|\bque puis-je\b",
    ),
    "replies": (r"^\W*(oui|allô|allo|bonjour|je suis|quoi|qui)\b",),
    "holds": (r"\bne quittez pas\b|\brestez en ligne\b|\bpatientez\b|\bun instant\b",),
    "acknowledges": (r"\bmerci\W*$|\bc'est noté\W*$",),
    "picks_up": (r"^\W*(oui|allô|allo|bonjour|bonsoir)\b",),
    "probes": (
        r"\bpourquoi (vous )?appelez|\b(motif|objet|raison) de (votre|l'|cet) ?appel\b|\burgent",
        r"\b(dire|dites|donner?) .{0,12}(plus|précis)|\brépéter?\b",
        r"\bvotre nom\b|\bpas (bien )?compris\b|\bquelle (société|entreprise)\b",
    ),
    "wonders": (
        r"\bqui (est (à l'appareil|ce)|appelle|êtes)\b|\bde la part de qui\b|\bà quel sujet\b",
    ),
    "turns_away": (
        r"\bn'est pas disponible\b|\bne souhaite pas\b|\bne peut pas\b|\brefusé",
        r"\bpersonne n'est\b|\bil n'y a personne\b",
    ),
    "calls_back": (r"\bvous rappelle|\b(votre|et) numéro\b",),
    "tone": (rf"\b{_TONE}\b",),
}
