"""Spanish phrases of machines, screeners and people."""

_TONE = r"(tono|pitido|bip|señal)"
_SUBSCRIBER = (
    r"\b(n[uú]mero|tel[eé]fono|abonado|cliente|usuario|m[oó]vil|celular|l[ií]nea)( m[oó]vil)? "
    r"((al |con el )?que (usted )?(ha |est[aá] )?(marc|llam|solicit|disc|intent)\w+|"
    r"(marcad|llamad|solicitad|discad)[oa])\b[^?.!]{0,60}?\b"
)
_NO_CALL = r"\bllamada no (se )?puede (ser )?(complet|establec|proces|curs)\w+"

_HOURS = r"horario (de (atenci[oó]n|oficina|servicio)|laboral|comercial)"

PHRASES = {
    "screening": (
        r"\b(diga|di|dígame|indique|grabe)\b.{0,12}\b(su|tu) nombre\b.{0,40}"
        r"\b(motivo|razón|por qué)",
        r"\b(diga|indique|pronuncie) (su|tu) nombre "
        rf"(despu[eé]s|luego|tras) (del|de la|el|la) {_TONE}\b",
        r"\bfiltro de llamadas\b|\bsi (esta persona |él |ella )?está disponible\b",
    ),
    "voicemail": (
        rf"\b(despu[eé]s|luego|tras) (del|de la|el|la) {_TONE}\b",
        rf"\bal (oír|escuchar) (el|la) {_TONE}\b",
        r"\b(deje|deja|grabe|graba)(nos|me)? (su |tu |un |el )?mensaje\b",
        r"\bbuzón de (voz|mensajes) (de|del)\b|\b(comunicado|desviad[ao]) .{0,12}buzón\b",
    ),
    "unavailable": (r"\bbuzón .{0,20}\blleno\b|\bno (acepta|puede recibir) (más )?mensajes\b",),
    "not_in_service": (
        rf"{_SUBSCRIBER}(no existe|(ya )?no est[aá] (en servicio|asignado|en uso|activo)|"
        r"no corresponde|(ha sido|fue) (cambiado|desconectado|dado de baja)|ha cambiado)\b",
        r"\bn[uú]mero .{0,20}\bno existe\b|\bninguna l[ií]nea en servicio\b",
        rf"{_NO_CALL} (como|tal)\b",
    ),
    "engaged": (rf"{_SUBSCRIBER}(ocupad[oa]|comunicando|en otra llamada)\b",),
    "unreachable": (
        rf"{_SUBSCRIBER}(apagad[oa]|fuera de|temporalmente|suspendid[oa]|no (responde|contesta|"
        r"(est[aá]|se encuentra) (disponible|localizable)|puede recibir))\b",
        r"\b(n[uú]mero|tel[eé]fono|l[ií]nea)\b[^?.!]{0,30}\bno (recibe|acepta|admite) llamadas\b",
        r"\bno (es|ha sido|fue) posible (completar|conectar|establecer) (su|la) llamada\b",
        rf"\bapagado o fuera de\b|{_NO_CALL}|\b(red|l[ií]neas) .{{0,20}}(saturad|congestionad)[oa]",
    ),
    "closed": (rf"\b(nuestro|el) {_HOURS} es\b|\b(fuera de|durante) nuestro {_HOURS}\b",),
    "queue": (r"\bno cuelgue\b|\bespere\b|\bpermanezca en\b|\bagentes?\b|\basesor",),
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
    "acknowledges": (r"\bgracias\W*$|\bentendido\W*$",),
    "picks_up": (
        r"^\W*(s[ií]|hola|bueno|al[oó]|buen[oa]s (d[ií]as|tardes|noches)|"
        r"d[ií]ga(me)?(?! (su|tu|el|m[aá]s|por|qui[eé]n|de)))\b",
    ),
    "probes": (
        r"\bpor qu[eé] (est[aá] llamando|llama)\b|\bmotivo de (su|la) llamada\b|\burgente\b",
        r"\b(cu[eé]nt|d[ií]g|dec|expl[ií])\w+ (algo |un poco )?m[aá]s\b",
        r"\bsu nombre\b|\brepet\w+\b|\bde qu[eé] empresa\b|\bno (le |lo )?(he )?ent[ei]+n\w+",
    ),
    "wonders": (r"\bqui[eé]n (habla|llama|es)\b|\bde parte de qui[eé]n\b|\bde qu[eé] se trata\b",),
    "turns_away": (
        r"\bno (est[aá] disponible|desea|puede (atender|contestar|hablar))\b|\brechazad",
        r"\bno hay nadie\b|\bno se encuentra\b",
    ),
    "calls_back": (r"\b(devolver|devolveré|devolvemos) (la|su|tu) llamada\b|\b(su|y) número\b",),
    "tone": (rf"\b{_TONE}\b",),
}
