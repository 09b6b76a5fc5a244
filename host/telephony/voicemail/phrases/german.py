"""German phrases of machines, screeners and people."""

_TONE = r"(ton|signalton|piepton|piep|signal)"
_CALLED = r"(gewählte|gewünschte|gerufene|angerufene|angewählte)[nr]?"
_SUBSCRIBER = (
    rf"\b({_CALLED} (gesprächspartner(in)?|teilnehmer(in)?|person|kunde|(ruf)?nummer|anschluss)|"
    r"dieser (telefon)?anschluss|(mobilfunk)?teilnehmer|ihr gesprächspartner)\b[^?.!]{0,50}?\b"
)

_HOURS = r"(geschäfts|öffnungs|büro|sprech|service)(zeit(en)?|stunden)\b"

PHRASES = {
    "screening": (
        r"\b(nennen?|sagen?) .{0,20}\b(ihren|deinen) namen\b.{0,40}\b(grund|warum|anliegen)",
        rf"\b(nennen?|sagen?|sprechen?) .{{0,20}}\b(ihren|deinen) namen nach dem {_TONE}\b",
        rf"\b(nennen?|sagen?|sprechen?) .{{0,6}}nach dem {_TONE} .{{0,6}}(ihren|deinen) namen\b",
        r"\b(anruf|telefon)\S{0,3}(filter|assistent|prüfung)\b|\bprüfe,? ob .{0,30}\bverfügbar\b",
    ),
    "voicemail": (
        rf"\bnach dem {_TONE}\b|\bmailbox von\b|\banrufbeantworter (von|der|des)\b",
        r"\b(hinterlass|sprechen|sprich|aufsprechen)\S*\b.{0,30}\bnachricht\b",
        r"\bnachricht (zu )?hinterlassen\b|\bmit der mailbox\b",
    ),
    "unavailable": (
        r"\b(mailbox|anrufbeantworter|speicher)\b.{0,40}\bvoll\b",
        r"\bkeine nachricht(en)? (hinterlassen|möglich|entgegen)",
    ),
    "not_in_service": (
        r"\bkeine? (anschluss|verbindung) unter dieser (ruf|telefon)?nummer\b",
        r"\brufnummer .{0,20}(nicht (mehr )?(vergeben|bekannt|gültig|geschaltet)|ungültig)\b",
        r"\brufnummer (des teilnehmers|ihres gesprächspartners) hat sich geändert\b",
        rf"\b{_CALLED} (ruf|telefon)?nummer\b[^?.!]{{0,30}}?\b(existiert nicht|unvollständig|"
        r"nicht (mehr )?(vergeben|bekannt|gültig|geschaltet|belegt)|ungültig|geändert)\b",
    ),
    "engaged": (rf"{_SUBSCRIBER}(besetzt|spricht gerade|im gespräch)\b",),
    "unreachable": (
        rf"{_SUBSCRIBER}(nicht (erreichbar|verfügbar|zu erreichen|angemeldet)|ausgeschaltet|"
        r"keine (\w+ )?(anrufe|gespräche) (an|entgegen)\w*)\b",
        r"\b(an)?gewählte ziel\b.{0,30}\bnicht (erreich|verfügbar)\w*",
        r"\brufnummer .{0,30}nicht erreichbar\b|\bnetz ist .{0,20}überlastet\b",
        r"\b(verbindung|anruf|gespräch) kann .{0,20}nicht (hergestellt|vermittelt|ausgeführt)\b",
    ),
    "closed": (
        rf"\b(unsere|die) {_HOURS} (sind|ist|lauten)\b",
        rf"\b(au(ß|ss)erhalb|während) (unserer|der) {_HOURS}",
        r"\bgeschlossen\b[^?]{0,30}\bsie erreichen uns (wieder )?(ab|am|von|montags?|werktags)\b",
    ),
    "queue": (
        r"\bbitte warten\b|\bbleib\S* .{0,12}(dran|leitung|apparat)\b|\bnächste\S* freie",
        r"\bmitarbeiter",
    ),
    "suspicious": (r"\bnicht (erreichbar|zu hause|da|im büro)\b|\brufe? .{0,16}zurück\b",),
    "asks_back": (
        r"\b(wer|was) ist (da|dran|das|denn)\b|\bwie kann ich\b|\bkann ich .{0,20}\bhelfen\b",
        r"\bkann ich .{0,20}\bausrichten\b|\bworum geht es\b|\bmit wem spreche\b",
        r"\bwas kann ich für sie tun\b",
    ),
    "replies": (r"^\W*(ja|hallo|jawohl|bitte|wer|was|ich|guten tag)\b",),
    "holds": (
        r"\bbleib\S* .{0,12}(dran|leitung)\b|\b(ein|einen) moment\b|\bbitte warten\b",
        r"\bich (prüfe|frage|versuche|verbinde)\b",
    ),
    "acknowledges": (r"\b(danke|vielen dank|dankeschön)\W*$|\bverstanden\W*$",),
    "picks_up": (r"^\W*(ja|hallo|guten (tag|morgen|abend)|grüß gott)\b",),
    "probes": (
        r"\bwarum rufen sie\b|\bgrund (ihres|des) anruf|\bdringend\b",
        r"\b(mehr|genauer|näher) .{0,12}(sagen|erzählen|erläutern)\b|\bwiederholen\b",
        r"\b(ihr|ihren) namen?\b|\bwelcher firma\b|\b(nicht|kaum) verst(anden|ehen)\b",
    ),
    "wonders": (r"\bwer (ist (da|dran)|spricht|ruft an)\b|\bworum geht\b|\bmit wem spreche\b",),
    "turns_away": (
        r"\bnicht (verfügbar|erreichbar)\b|\babgelehnt\b|\bniemand (da|zu hause|erreichbar)\b",
        r"\bmöchte (den anruf |ihren anruf )?nicht\b",
    ),
    "calls_back": (r"\brufe? .{0,16}zurück\b|\b(telefon|ruf)?nummer\b",),
    "tone": (rf"\b{_TONE}\b",),
}
