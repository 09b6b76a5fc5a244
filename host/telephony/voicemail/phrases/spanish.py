"""Spanish phrases of machines, screeners and people."""

_TONE = r"(tono|pitido|bip|señal)"

PHRASES = {
    "screening": (
        r"\b(diga|di|dígame|indique|grabe)\b.{0,12}\b(su|tu) nombre\b.{0,40}"
        r"\b(motivo|razón|por qué)",
        r"\bfiltro de llamadas\b|\bsi (esta persona |él |ella )?está disponible\b",
    ),
    "voicemail": (
        rf"\b(después|luego|tras) (del|de la|el|la) {_TONE}\b",
        rf"\bal (oír|escuchar) (el|la) {_TONE}\b",
        r"\b(deje|deja|grabe|graba)(nos|me)? (su |tu |un |el )?mensaje\b",
        r"\bbuzón de (voz|mensajes) (de|del)\b|\b(comunicado|desviad[ao]) .{0,12}buzón\b",
    ),
    "unavailable": (
        r"\bbuzón .{0,20}\blleno\b|\bno (acepta|puede recibir) (más )?mensajes\b",
        r"\bnúmero .{0,20}\bno existe\b|\bno está en servicio\b",
    ),
    "suspicious": (
        r"\bno (estoy|está|estamos|podemos|puedo) (disponible|en casa|atender|contestar)",
        r"\b(devolver|devolveré|devolvemos) (la|su|tu) llamada\b",
    ),
    "asks_back": (
        r"\bquién (es|habla|llama)\b|\ben qué (le |te )?(puedo|podemos) (ayudar|servir)",
        r"\bde parte de quién\b|\bqué (desea|necesita|quiere)\b",
    ),
    "replies": (r"^\W*(sí|si|hola|diga|dígame|bueno|aló|quién|aquí)\b",),
    "holds": (r"\bno cuelgue\b|\bespere\b|\bun momento\b|\bpermanezca en\b",),
    "turns_away": (r"\bno (está disponible|desea|puede (atender|contestar))\b|\brechazad",),
    "calls_back": (r"\b(devolver|devolveré|devolvemos) (la|su|tu) llamada\b|\b(su|y) número\b",),
    "tone": (rf"\b{_TONE}\b",),
}
