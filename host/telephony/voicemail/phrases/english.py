"""English phrases of machines, screeners and people."""

_TONE = r"(tone|beep|bleep|signal)"
_A_MESSAGE = r"(me |us |your |an? |the )*(\S+ )?(message|name)\b"
_BOX = r"(mail ?box|voice ?mail( box)?|answering machine)"

PHRASES = {
    "screening": (
        r"\bscreening (service|assistant)\b|\bscreening (your|this|their|all|the)? ?calls?\b",
        r"\b(say|state|record|provide|tell me) your (full )?name\b.{0,40}\b(why|reason|purpose)\b",
        r"\b(say|state|record) your name\b.{0,60}\b(connect you|reach (them|him|her))\b",
        r"\b(see|check|find out) (if|whether) .{0,30}\b(is|are) available\b",
    ),
    "voicemail": (
        rf"\b(after|at|following|wait for|hear) the (sound of the )?{_TONE}\b",
        rf"\b(have|'ve|you) reached (the |my |our )?(\S+ )?{_BOX}",
        rf"\b{_BOX} (of|for)\b|'s {_BOX}(?! is)\b|\bvoice messaging system\b",
        rf"\bforwarded to (an? |the )?(automat\S+ )?({_BOX}|voice)",
        rf"\b(please|just|and|so|then) (leave|record) {_A_MESSAGE}",
        rf"(^|[.!?,] )leave {_A_MESSAGE}|\brecord your message\b|\bif you leave {_A_MESSAGE}",
    ),
    "unavailable": (
        rf"\b({_BOX}|inbox)\b.{{0,30}}\bfull\b",
        r"(\bnot|n't|\bunable to) (currently )?(accept|take) (any |new |more |a )*messages?\b",
        r"\b(can ?not|can't|unable to) leave (a |any )?messages?\b",
        rf"\b{_BOX}\b.{{0,30}}(\bnot|n't)( yet)?( been)?( yet)? (set up|initialized|activated)",
        r"\b(not|no longer) in service\b|\bhas been disconnected\b",
    ),
    "suspicious": (
        rf"\b(have|'ve|you) reached\b|\bleave {_A_MESSAGE}",
        r"\b(can't|can ?not|unable to) (come to|take|answer|get to)( \w+)? (phone|calls?)\b",
        r"(\bnot|n't|\baway) .{0,12}\b(home|office|desk|available|here right now)\b",
        r"\b(get back to|call|ring) you (back )?(as soon as|when|once|later)\b",
        r"\breturn your call\b",
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
        r"\btrying to (reach|connect)\b|\b(thanks|thank you)\W*$|\bgot it\b",
    ),
    "turns_away": (
        r"\b(is|are) (\w+ )?(not|unavailable)\b|\b(is|are)n't (available|able|taking)\b",
        r"(?<!\bi )\b(can't|can ?not|unable to) (take|answer|accept) (your|this|the) call\b",
        r"\b(does not|doesn't) (wish|want)\b|\bdeclined\b|\bno longer accept",
        r"\b(stop calling|not call (this|again)|off your list|(try|call) again later)\b",
    ),
    "calls_back": (
        r"\b(call|ring|get back to|return) (you|your)\b|\bphone number\b|\b(and|your) number\b",
    ),
    "tone": (rf"\b{_TONE}\b",),
}
