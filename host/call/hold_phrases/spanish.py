"""Spanish phrases of queues, and of people who ask for a moment."""

_MOMENT = r"((solo |sólo )?(un|unos|otro) (momento|momentito|segundo|segundito|minuto|instante)s?)"

PHRASES = {
    "announces": (
        r"\btodos nuestros (agentes|operadores|asesores|ejecutivos|representantes|compañeros)"
        r".{0,40}\b(ocupad|atendiendo)",
        r"\bsu llamada (es (muy )?importante|será atendida|está en espera|ha sido puesta)",
        r"\bserá atendid[ao] (en breve|en unos|en el orden|por (el|un) (próximo|siguiente))",
        r"\btiempo (estimado|aproximado) de espera\b(?! para)",
        r"\bpróximo (agente|operador|asesor|ejecutivo|representante) disponible\b",
        r"\ben breve (le|lo|la) atenderemos\b",
    ),
    "queues": (
        r"(por favor )?(permanezca|manténgase|continúe|quédese) (por favor )?en (la )?línea( .*)?",
        r"(por favor )?no cuelgue( .*)?",
    ),
    "waits": (
        rf"{_MOMENT}|(espere|espera|aguarde|espéreme)( {_MOMENT})?",
        rf"(puede|podría|puedes) (esperar|aguardar)(me)?( {_MOMENT})?|(deme|dame|denos) {_MOMENT}",
        r"(le|la|lo|te) (comunico|paso|transfiero|conecto)( .*)?|no cuelgue|ahora vuelvo",
    ),
    "besides": (
        r"(sí|si|bueno|vale|claro|de acuerdo|muy bien|bien|por favor|gracias|muchas gracias|hola|"
        r"perdón|disculpe|señor|señora|ok|okay|pues|buenos días|buenas tardes|buenas noches)",
        r"gracias por .*|bienvenid[oa] .*|mientras .*",
        r"(déjeme|permítame|deje que|voy a) (ver|revisar|verificar|consultar|buscar|preguntar|"
        r"comunicar|transferir|pasar|mirar)\w*\b.*",
        r"ya (viene|está|voy) .*|ahora (mismo )?(le|lo|la) .*",
    ),
    "addresses": (
        r"\ben qué (le |te |lo )?pued[oe]|\bcómo (le |te )?puedo\b|\bquién (es|habla|llama)\b",
        r"\bsigue ahí\b|\bme (oye|escucha)\b|\bmi nombre es\b|\bme llamo\b|\ble habla\b",
        r"^(hola|buenos días|buenas (tardes|noches))\b|\bgracias por esperar\b",
    ),
    "menu": (r"\b(marque|pulse|presione|oprima) (el |la )?(\d|uno|dos|tres|cuatro|cinco|cero)\b",),
}
