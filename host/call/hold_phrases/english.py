"""English phrases of queues, and of people who ask for a moment."""

_MOMENT = (
    r"((just |for )*((a|one|two|another|half a|a quick|a few|a couple of) (more )?)"
    r"(moment|second|sec|minute|min|tick)s?|just (moment|second)s?)"
)
_STAFF = (
    r"(agent|representative|operator|associate|advis[eo]r|assistant|colleague|attendant|executive|"
    r"team member|staff member|line)s?"
)
_CALL = r"(you|your call|this call)"

PHRASES = {
    "announces": (
        rf"\b{_CALL} (has|have|is|are|was|will) (now )?(been |being |be )?(placed |put )?on hold\b",
        r"\byour call is (very )?important\b",
        rf"\b(all|each|both) (of )?(our|the) (\w+ ){{0,2}}{_STAFF} (\w+ ){{0,3}}(busy|assisting|"
        r"helping|serving|engaged|on (other )?calls|speaking|with other)\b",
        rf"\bnext available (\w+ ){{0,2}}{_STAFF}\b",
        r"\banswered in (the )?(order|turn)\b|\bcalls? (is|are|will be) answered (shortly|soon)\b",
        r"\byour (call|place|position) (is )?(number \w+ )?in (the |our )?(queue|line)\b",
        r"\byou are (now |currently )?((number|caller) .{0,20}|next )in (the |our )?(queue|line)\b",
        r"\b(estimated|expected|average|approximate|current) (wait|waiting|hold) time\b"
        r"(?! for an?\b)",
        r"\benjoy the music (while|until)\b|\byou (are|have been|were) (placed )?in a queue\b",
        r"\bexperiencing .{0,40}\b(call volumes?|wait times?|number of calls)\b",
    ),
    "queues": (
        r"(please )?(continue to )?(stay|remain|hold|wait) on (the )?line( .*)?",
        r"(please )?hold the line( .*)?|(please )?continue (to hold|holding|to wait)( .*)?",
        r"please (hold|wait|stand by)( on)? (while we|for the (next|first)|to be) .*",
    ),
    "waits": (
        rf"(hold|hang) on( a|{_MOMENT})?|(hold|hang) on {_MOMENT}|hang tight",
        rf"(hold|wait|stand by|hold the line|stay there)( {_MOMENT})?",
        r"be right (back|with you)|(i'll|i will|i'm) (be )?right (back|with you)",
        r"(\w+ )?(.* will|i'll|we'll|he'll|she'll) be (right )?with you (shortly|soon|"
        r"as soon .*|in a .*|momentarily)",
        rf"bear with (me|us)( {_MOMENT})?|(give|allow) (me|us) {_MOMENT}|{_MOMENT}",
        rf"(can|could|would|will) you (please )?(hold|wait|hang on|hold on|hold the line|bear with "
        rf"(me|us))( {_MOMENT})?|(can|could|would|will) you (please )?give (me|us) {_MOMENT}",
        rf"(do|would) you mind (holding|waiting)( on)?( {_MOMENT})?",
        r"(can|may|could|let|i'll|i will|i'm going to|i am going to|i have to|i need to)"
        r"( (i|me|us))?( just)? (put|place) you on (a brief |a short )?hold( for .*)?",
        r"(i'm |i am |i'll |i will |let me |we are |we're )?(transfer(ring)?|connect(ing)?) "
        r"(you|your call)( now| over| to .*| through.*)?",
    ),
    "besides": (
        r"(ok|okay|sure|yes|yeah|yep|yup|all ?right|right|well|um|uh|er|ah|oh|so|and|then|now|"
        r"please|sorry|great|perfect|certainly|absolutely|of course|no problem|got it|i see|"
        r"thanks|thank you|thank you very much|sir|madam|ma'am|hello|hi|good (morning|afternoon|"
        r"evening))",
        r"(thank you|thanks) for (calling|holding|waiting|your) .*|welcome to .*",
        r"while (i|we|you) .*|for me|if you (would|could|can)|to be connected",
        r"(let me|i'll|i will|i'm going to|i am going to|i need to|i have to|we'll|we will) (just |"
        r"quickly |go and |go )*(check|see|look|get|grab|find|ask|fetch|pull|open|bring|write|"
        r"transfer|connect|have a look|put you through|pass you|be (right )?(back|with you))\b.*",
        r"(he|she|they)( is|'s| are|'re) (right here|coming|just|on (his|her|their) way)\b.*",
        r"somebody .*|someone .*|(an? |the )?(agent|representative|operator)s? will .*",
    ),
    "addresses": (
        r"\bhow (can|may|could) (i|we)\b|\bwhat can (i|we)\b|\b(may|can|could|"
        r"shall|should) i\b(?! (just )?(put|place) you)",
        r"\bwho('s| is| am i)\b|\bare you (still )?there\b|\bis (somebody|anybody|anyone) there\b",
        r"\bthis is (?!a recorded)|\bmy name is\b|\bspeaking\b(?! (to|with))",
        r"^(hello|hi|hey|good (morning|afternoon|evening))\b",
        r"\b(can|could|do) you hear\b|\bthanks for (holding|waiting)\b",
    ),
    "menu": (
        r"\bpress(ing)? (\d|zero|one|two|three|four|five|six|seven|eight|nine|star|pound|hash|any)",
        r"\b(main menu|following options)\b|\bfollowed by (the )?(pound|hash|star)\b",
    ),
}
