"""English phrases of machines, screeners and people."""

_TONE = r"(tone|beep|bleep|signal)"
_A_MESSAGE = r"(me |us |your |an? |the )*(\S+ )?(message|name)\b"
_BOX = r"(mail ?box|voice ?mail( box)?|answering machine)"
_YOU_CALL = (
    r"(that |which )?you( have|'ve| had| are|'re)?( just)? "
    r"(dialed|dialled|reached|called|calling|entered|(trying|attempting) to (reach|call|contact))"
)
_NUMBER = rf"\b(number|line) {_YOU_CALL}\b[^?.!]{{0,60}}?\b"
# What only a network calls the callee. Receptionists also say "the person you are calling".
_SUBSCRIBER = (
    r"\b(subscriber|customer|party|user|client|number|line|(mobile|cell|wireless) ?phone|mobile) "
    rf"{_YOU_CALL}\b[^?.!]{{0,60}}?"
)
_PERSON = rf"\bperson {_YOU_CALL}\b[^?.!]{{0,60}}?"
_HOURS = r"(regular |normal |usual )?(business|office|opening|working|operating) hours\b"
_NO_CALL = r"\bcall (can ?not|can't|could not|couldn't|did not|didn't) (be )?"

PHRASES = {
    "screening": (
        r"\bscreening (service|assistant)\b|\bscreening (your|this|their|all|the)? ?calls?\b",
        r"\b(say|state|record|provide|tell me) your (full )?name\b.{0,40}\b(why|reason|purpose)\b",
        r"\b(say|state|record) your name\b.{0,60}\b(connect you|reach (them|him|her))\b",
        r"\b(see|check|find out) (if|whether) .{0,30}\b(is|are) available\b",
        r"\b(say|state|tell me) (who you are|the (reason|purpose) (for|of) your call)\b",
        r"\b(say|state|speak|record|announce) your (full |first )?name "
        rf"(after|at|following) the {_TONE}\b",
        r"\bcalls? to .{1,30} (is|are) (being )?screened\b|\bcall is being screened\b",
    ),
    "screening_service": (
        r"\bscreening (service|assistant)\b|\bcall assist\b|\bcall screen(ing)? (by|from)\b",
        r"\brecording this call for\b|\bbefore (i|we) (try to )?connect you\b",
        r"\b(prove|verify|confirm) (that )?you('re| are) (a )?(human|person|real|not a robot)\b",
        r"\b(has|uses?|using|by|bt|through to) (.{1,12} )?call (guardian|control|blocker)\b",
    ),
    "voicemail": (
        rf"\b(after|at|following|wait for|hear) the (sound of the )?{_TONE}\b",
        rf"\b(have|'ve|you) reached (the |my |our )?(\S+ )?{_BOX}",
        rf"\b{_BOX} (of|for)\b|'s {_BOX}(?! is)\b|\bvoice messaging system\b",
        rf"\bforwarded to (an? |the )?(automat\S+ )?({_BOX}|voice)",
        rf"\b(please|just|and|so|then) (leave|record) {_A_MESSAGE}",
        rf"(^|[.!?,] |\bfeel free to )leave {_A_MESSAGE}|\bif you leave {_A_MESSAGE}",
        r"\brecord your message\b",
    ),
    "unavailable": (
        rf"\b({_BOX}|inbox)\b.{{0,30}}\bfull\b",
        r"(\bnot|n't|\bunable to) (currently )?(accept|take) (any |new |more |a )*messages?\b",
        r"\b(can ?not|can't|unable to) leave (a |any )?messages?\b",
        rf"\b{_BOX}\b.{{0,30}}(\bnot|n't)( yet)?( been)?( yet)? (set up|initialized|activated)",
    ),
    "not_in_service": (
        rf"{_NUMBER}(is|was|has)(n't| (?!temporarily)(\w+ )?(not|no longer))( been| yet| an?)* "
        r"(in service|in use|working|valid|assigned|allocated|connected|recogni[sz]ed)\b(?! by)",
        rf"{_NUMBER}(has been|is|was) (disconnected|changed|deactivated|terminated|invalid|"
        r"unassigned|unallocated|vacant)\b|"
        rf"{_NUMBER}(does not|doesn't) exist\b",
        r"\byou('ve| have)? (reached|dialed|dialled) an? (\w+ )?(number|line) (that|which) "
        r"(is (not|no longer|disconnected)|has been (disconnected|changed))\b",
        r"\byou('ve| have)? (reached|dialed|dialled) an? "
        r"(disconnected|invalid|non-?working|unassigned|incorrect) ((tele)?phone )?(number|line)\b",
        rf"{_NO_CALL}(completed|connected|go through) as (dialed|dialled|entered)\b",
        r"\bcomplete your call as (dialed|dialled|entered)\b",
        r"^\W*((we're|we are|i'm|i am) )?(sorry\W+)?(this|the) ((tele)?phone )?number "
        r"is (not|no longer) in service\W*($|please|if)",
        r"\b(must first|not necessary to) dial an? (one|1|zero|0)\b",
    ),
    "engaged": (
        rf"{_SUBSCRIBER}\b(is|are) (currently |now |already )?"
        r"(busy|engaged|on (another|the other) (call|line)|speaking to)\b",
    ),
    "unreachable": (
        rf"{_SUBSCRIBER}((not|n't) ([a-z]+ )?(available|reachable|answering|responding|accepting|"
        r"able|be reached|connected|in (a |the )?(coverage|service))|unavailable|unreachable|"
        r"(switched|turned|powered) off|out of (coverage|range|reach|service)|outside|"
        r"temporarily|suspended|unable to (receive|accept|take)|cannot be|can't be)\b",
        r"\b(wireless|cellular|mobile) (customer|subscriber|user)\b[^?.!]{0,60}?"
        r"\b(not available|unavailable|out of|outside)\b",
        rf"{_PERSON}(not|n't|unable to|no longer) ([a-z]+ )?(accept|receiv)(e|ing) "
        r"(any |incoming |phone )*calls\b",
        rf"{_PERSON}\b(temporarily (not |un)available|(not|n't|un)[^?]{{0,60}}?"
        r"\b(try|call) (your call )?(again|back|later))\b",
        r"\btry your call (again )?(at a )?later\b",
        r"\bhang up and (try|dial|call)( \w+){0,2} again\b",
        r"\b(party|customer|subscriber|number|phone|telephone|line|person|user)\b[^?.!]{0,40}"
        r"\b(not|n't) (currently )?accept(ing)? "
        r"((any|incoming|anonymous|unidentified|phone) )*calls"
        r"( (from (numbers|unknown|blocked|anonymous|private|hidden)|at this)\b|\W*($|goodbye))",
        r"\bcall(ing)? restrictions?\b[^?.!]{0,40}\bprevent",
        r"\byour call has been (rejected|blocked)\b|"
        r"\bnot been possible to (connect|complete) your call\b",
        r"\b(no ?one|nobody) is (\w+ )?(available|able) to (take|answer) your call\b[^?]{0,30}?"
        r"\b(try|call) (your call )?(again|back|later)\b",
        r"\ball (\w+ )?circuits are\b|\b(network|service) (congestion|difficulties)\b",
        rf"{_NO_CALL}(completed|connected|processed|go through)\b",
        r"\b(unable|not able) to (complete|connect|process) your call\b",
    ),
    "closed": (
        rf"\b(our|the) {_HOURS} (are|is)\b|\boutside (of )?(our |the )?{_HOURS}",
        rf"\b(call|try) (us )?(back |again )?(during|within) (our |the )?{_HOURS}",
    ),
    "queue": (
        r"\bplease (hold|wait|stand by)\b|\b(stay|remain|hold) on (the )?line\b",
        r"\bnext available\b|\b(agents?|representatives?|operators?|advisors?) (is|are|will)\b",
    ),
    "suspicious": (
        rf"\b(have|'ve|you) reached\b|\bleave {_A_MESSAGE}",
        r"\b(can't|can ?not|unable to) (come to|take|answer|get to)( \w+)? (phone|calls?)\b",
        r"(\bnot|n't|\baway) .{0,12}\b(home|office|desk|available|here right now)\b",
        r"\b(get back to|call|ring) you (back )?(as soon as|when|once|later)\b",
        rf"\breturn your call\b|{_PERSON}",
    ),
    "asks_back": (
        r"\bhow (can|may) (i|we) (help|assist|direct)\b|\bwhat can (i|we) do for you\b",
        r"\b(may|can|could|shall|should) (i|we) (take|ask|have|get|give|put|tell|help|pass)\b",
        r"\b(would|do) you (like me|want|need)\b|\bwould you like to (leave|speak|talk|hold)\b",
        r"\b(can|could) you (call|hold|tell|hear|repeat|speak|leave|please)\b",
        r"\bwho('s| is| are) (this|there|that|it|you)\b|\bwho('s| is) calling(, please)? ?\?",
        r"\bwhat('s| is) (this|it) (about|regarding)\b",
    ),
    "replies": (
        r"^\W*(yes|yeah|yep|yup|hello|hi|hey|here|what|who|speaking|sorry|no)\b",
        r"\b(i am|i'm|still|somebody is|someone is) (here|there|listening)\b",
    ),
    "holds": (
        r"\b(stay|remain|hold) on (the )?line\b|\bplease (hold|wait|stand by)\b|\bhold on\b",
        r"\bone (moment|second)\b|\bconnecting you\b|\b(i'll|i will) (see|check|try|let)\b",
        r"\btrying to (reach|connect)\b",
    ),
    "acknowledges": (
        r"\b(thanks|thank you)\W*$|\b(thanks|thank you) for (that|letting|telling|sharing|your)\b",
        r"\bgot it\b|\blet me (see|check)\b|\bbear with me\b",
    ),
    "picks_up": (r"^\W*(yes|yeah|yep|hello|hi|hey|speaking|good (morning|afternoon|evening))\b",),
    "probes": (
        r"\b(tell|give) (me|us) (a (little|bit) )?more\b|\bmore (information|details?)\b",
        r"\bwhy (are you|you are|you're) calling\b|\b(reason|purpose) (for|of) (your |the )?call",
        r"\bwhat (are you|you are|you're) calling (about|for|regarding)\b",
        r"\burgent(ly)?\b|\ban emergency\b",
        r"\b(repeat|say) (that|it|what you)\b|\bdifficult to understand\b",
        r"\b(did not|didn't|can't|can ?not) (quite )?(catch|get|understand|hear) (that|you|what)\b",
        r"\bwho(m)? (would|do) you\b|\bwho are you (calling|looking) for\b",
        r"\b(what|which) (company|business|organi[sz]ation)\b|\bcalling from\b",
        r"\b(say|state|give|have|get|is|was|repeat) your (full )?name\b",
    ),
    "wonders": (
        r"\bwho('s| is) (this|that|it|there|calling)\b|\bwho (am i|are you)\b",
        r"\bwhat('s| is) (this|it|the call) (about|regarding|concerning)\b",
    ),
    "turns_away": (
        r"\b(is|are) (\w+ )?(not|unavailable)\b|\b(is|are)n't (available|able|taking)\b",
        r"(?<!\bi )\b(can't|can ?not|unable to) (take|answer|accept) (your|this|the) call\b",
        r"\b(does not|doesn't) (wish|want)\b|\bdeclined\b|\bno longer accept",
        r"\b(they|he|she) (can't|can ?not) (talk|take|come|answer|speak)\b",
        r"\b(they|he|she)('ll| will) call you (back|later)\b|\b(nobody|no one) (is|'s) ",
        r"\b(stop calling|not call (this|again)|off your list|(try|call) again later)\b",
        r"\bremove (this|the|your|my) number\b",
    ),
    "calls_back": (
        r"\b(call|ring|get back to|return) (you|your)\b|\bphone number\b|\b(and|your) number\b",
    ),
    "tone": (rf"\b{_TONE}\b",),
}
