"""German phrases of queues, and of people who ask for a moment."""

_MOMENT = (
    r"((nur |noch |mal )*((einen|ein|eine|'?nen|'?ne|kleinen|kurzen) )*"
    r"(moment|momentchen|augenblick|sekunde|minute)( mal| noch)?)"
)

PHRASES = {
    "announces": (
        r"\balle(n)? (unsere )?(\w+ ){0,2}(mitarbeiter|leitungen|berater|kolleg|agent)\w*"
        r"( \w+){0,4} (gespräch|belegt|besetzt|beschäftigt)",
        r"\bnächste[rn]? freie[rn]? (mitarbeiter|leitung|berater|kolleg|agent)",
        r"\b(voraussichtliche|geschätzte) wartezeit\b(?! (für|auf)\b)",
        r"\bihr (anruf|gespräch) (ist uns (sehr )?wichtig|(wird|wurde|ist) .{0,20}(gehalten|"
        r"beantwortet|angenommen|warteschleife))",
        r"\bsie (werden|sind) .{0,30}\b(gehalten|(in der|einer) warteschleife)\b",
        r"\bsie sind (gleich|als nächste[rs]?) an der reihe\b",
    ),
    "queues": (
        r"(bitte )?bleiben sie (bitte )?(in|an|am) (der )?(leitung|apparat|telefon)( .*)?",
        r"(wir bitten )?(bitte )?(haben sie|um) (noch )?(etwas |einen moment |ein wenig )?geduld",
        r"(bitte )?legen sie nicht auf|bitte warten sie( auf den nächsten .*| bis .* frei .*)?",
        r"sie werden (gleich |in kürze |sofort |umgehend |nun |jetzt )*(verbunden|bedient)",
    ),
    "waits": (
        rf"{_MOMENT}|(warten|warte) (sie )?(bitte |kurz |mal )*({_MOMENT})?|bitte warten",
        r"(bleiben sie|bleib) (bitte |kurz |mal )*(dran|in der leitung|am apparat|am telefon)",
        rf"(können|könnten|würden) sie (bitte )?(kurz |mal )*({_MOMENT} )?(warten|dranbleiben|dran "
        r"bleiben)",
        rf"(geben|gib) (sie )?(mir|uns) (bitte )?{_MOMENT}|ich bin gleich (wieder )?(da|zurück)",
        r"ich (verbinde|stelle)( sie)?( durch| weiter| gleich| jetzt| mal| mit .*)?( durch)?",
    ),
    "besides": (
        r"(ja|gut|okay|ok|gerne?|natürlich|klar|sicher|danke|bitte|so|also|äh|ähm|hm|und|dann|"
        r"alles klar|einverstanden|entschuldigung|hallo|guten (tag|morgen|abend)|vielen dank)",
        r"(vielen dank|danke) für .*|willkommen .*",
        r"ich (schaue|schau|sehe|seh|gucke|guck|prüfe|hole|hol|frage|frag|suche|such|verbinde) .*",
        r"(ich muss|lassen sie mich|ich will|ich werde) .*(nachsehen|nachschauen|fragen|holen|"
        r"prüfen|suchen|verbinden|nachfragen)",
        r"(er|sie) (kommt|ist) (gleich|sofort|schon) .*",
    ),
    "addresses": (
        r"\b(wie|was) kann ich\b|\bkann ich .{0,20}\bhelfen\b|\bworum geht\b|\bmit wem\b",
        r"\bsind sie (noch )?(da|dran)\b|\b(wer|was) ist (da|dran)\b|\bhören sie mich\b",
        r"\bmein name ist\b|\bam apparat\b(?!$)(?! (bleiben|warten))|\bhier (ist|spricht)\b",
        r"^(hallo|guten (tag|morgen|abend)|grüß gott)\b|\bdanke fürs warten\b",
    ),
    "menu": (r"\bdrücken sie\b|\bwählen sie (die )?(\d|eins|zwei|drei|vier|fünf|null)\b",),
}
