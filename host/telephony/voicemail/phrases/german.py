"""German phrases of machines, screeners and people."""

_TONE = r"(ton|signalton|piepton|piep|signal)"

PHRASES = {
    "screening": (
        r"\b(nennen?|sagen?) .{0,20}\b(ihren|deinen) namen\b.{0,40}\b(grund|warum|anliegen)",
        r"\b(anruf|telefon)\S{0,3}(filter|assistent|prüfung)\b|\bprüfe,? ob .{0,30}\bverfügbar\b",
    ),
    "voicemail": (
        rf"\bnach dem {_TONE}\b|\bmailbox von\b|\banrufbeantworter (von|der|des)\b",
        r"\b(hinterlass|sprechen|sprich|aufsprechen)\S*\b.{0,30}\bnachricht\b",
        r"\bnachricht (zu )?hinterlassen\b|\bmit der mailbox\b",
    ),
    "unavailable": (
        r"\b(mailbox|anrufbeantworter|speicher)\b.{0,20}\bvoll\b",
        r"\bkeine nachricht(en)? (hinterlassen|möglich|entgegen)",
        r"\brufnummer .{0,20}nicht (vergeben|bekannt|erreichbar)\b",
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
        r"\bich (prüfe|frage)\b",
    ),
    "turns_away": (
        r"\bnicht (verfügbar|erreichbar)\b|\babgelehnt\b",
        r"\bmöchte (den anruf |ihren anruf )?nicht\b",
    ),
    "calls_back": (r"\brufe? .{0,16}zurück\b|\b(telefon|ruf)?nummer\b",),
    "tone": (rf"\b{_TONE}\b",),
}
