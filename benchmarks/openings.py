"""How people, machines, screeners and networks open a call: the corpus of `voicemail.py`.

Each opening is a script of sentences, pauses in seconds, and tones, for the local voice. No line of
it was recorded from a real call; the machines' words are those of carriers and telephones. One
module in spite of its length: it is a table.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Beep:
    """A tone of a machine."""

    hz: float = 1000
    seconds: float = 0.4


@dataclass(frozen=True)
class Answered:
    """The end of what the caller says to a screener."""


@dataclass(frozen=True)
class Mumble:
    """Speech of which no STT makes words."""

    seconds: float = 1.5


ANSWERED = Answered()
Step = str | float | Beep | Answered | Mumble

PUT_THROUGH: tuple[Step, ...] = (
    ANSWERED,
    "Thank you. Please stay on the line.",
    2.0,
    "Yes, hello?",
)
"""How a screener puts us through; the last sentence is the callee's own."""


@dataclass(frozen=True)
class Opening:
    """One way in which a call is answered."""

    name: str
    truth: str
    """human, machine-vm, machine-unavailable, screening, announcement or queue"""
    script: tuple[Step, ...]
    reply: str = "Yes, I am here."
    """What a person says when they are asked whether somebody is there."""
    noise: float | None = None
    """dBFS of the noise on the line; None for a clean one."""
    turns: tuple[Step, ...] = PUT_THROUGH
    """What follows a screener's request, to the callee's first words, if they come."""
    outcome: str = ""
    """The outcome of a network announcement, or of a screener or queue that has nobody for us."""
    stays: bool = True
    """Whether a network stays on the line after its announcement."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is said, without pauses and tones."""
        return tuple(step for step in self.script if isinstance(step, str))

    @property
    def beeps(self) -> bool:
        """True where a tone follows the last word."""
        return isinstance(self.script[-1], Beep)


def human(
    name: str, *script: Step, reply: str = "Yes, I am here.", noise: float | None = None
) -> Opening:
    """Somebody picks up."""
    return Opening(name, "human", script, reply, noise)


def machine(name: str, *script: Step, noise: float | None = None) -> Opening:
    """An answering machine that takes messages."""
    return Opening(name, "machine-vm", script, noise=noise)


def full(name: str, *script: Step) -> Opening:
    """A machine that takes none."""
    return Opening(name, "machine-unavailable", script)


def screener(
    name: str, *script: Step, then: tuple[Step, ...] = PUT_THROUGH, outcome: str = ""
) -> Opening:
    """A machine that asks who is calling, and fetches a person then, unless it has an outcome."""
    return Opening(name, "screening", script, turns=then, outcome=outcome)


def network(name: str, outcome: str, *script: Step, stays: bool = True) -> Opening:
    """An announcement of the network in an answered call."""
    return Opening(name, "announcement", script, outcome=outcome, stays=stays)


def queue(name: str, *script: Step, outcome: str = "") -> Opening:
    """A call that is put on hold; the last words are a person's, unless there is an outcome."""
    return Opening(name, "queue", script, outcome=outcome, stays=False)


TONE = "Please leave a message after the tone."
RECORD = "Hi, if you record your name and reason for calling, I'll see if this person is available."
SCREENED = (
    "Hi, the person you are calling is using a screening service, and will get a copy of this. "
    "Go ahead and say your name and why you are calling."
)

PEOPLE = (
    human("hello", "Hello?"),
    human("yes", "Yes?", reply="Who is calling please?"),
    human("name", "Miller."),
    human("silence", 6.0, reply="Yes hello."),
    human("hello twice", "Hello?", 1.0, "Hello, who is this?"),
    human("speaking", "This is Ann Miller speaking."),
    human("company", "Molar Dental, this is Kate speaking, how can I help you?"),
    human("company without a question", "Good afternoon, law office of Baker and sons."),
    human("reached the company", "You have reached the bakery, what can I do for you?"),
    human("reached the family", "You've reached the Smiths. Hello?"),
    human("takes a message", "The manager is not available, may I take a message?"),
    human("offers to leave one", "He is out for lunch. Would you like to leave a message?"),
    human("out of the office", "Doctor Green is not in the office today.", 0.8, "Who is it?"),
    human("no time", "Sorry, I can't talk right now, I am in the car."),
    human("no time for the phone", "Sorry, I can not take your call right now.", reply="Yes what."),
    human("on voicemail", "Hello? I thought this went to my voicemail."),
    human("who is it", "Who is calling, and what is this about?"),
    human("asks our name", "Can you tell me your name and why you are calling?"),
    human("one moment", "One moment please, I have to close the door.", 1.5, "So, who is this?"),
    human("to somebody else", "Turn the music down, I am on the phone.", 1.2, "Yes, hello?"),
    human(
        "long",
        "Good morning and thank you for calling the garden center on the hill, where we have all "
        "the flowers and the trees that you need for the spring, my name is Robert.",
        reply="Yes, how can I help you?",
    ),
    human("noise", "Hello, this is Peter.", noise=-46),
    human("noisy company", "City hotel, the front desk, good evening.", noise=-46),
    human("beep of a headset", Beep(1200, 0.3), 0.3, "Hello, here is Martin."),
    human("beep into a question", "Hello, who is there?", 0.2, Beep(1400, 0.3), reply="Who is it?"),
    human("german", "Guten Tag, hier ist Schneider.", reply="Ja, hallo."),
    human("german question", "Praxis Doktor Berger, was kann ich tun?", reply="Ja, ich bin da."),
    human("spanish", "Bueno, con quien hablo?", reply="Si, hola."),
    # People who say what networks and screeners say
    human("wrong number", "The number you have dialed must be wrong, there is no Ann here."),
    human("wrong number, politely", "I think you have reached the wrong number."),
    human("not available", "I am not available right now, call again later."),
    human("an old number", "My old number is not in service any more, how did you find me?"),
    human(
        "a queue",
        "You have reached the city hospital, all our agents are busy, please hold the line.",
        5.0,
        "Thank you for holding, this is Kate, how can I help you?",
    ),
    human("an extension", "This is a business number, please dial the extension."),
    human("the person you want", "The person you are calling is in a meeting, who is this?"),
    human("a phone that is off", "Hello, the phone of Peter is switched off, I am his wife."),
    human("busy", "Yes, but the line is bad and I am busy, what is it?"),
    human("urgent", "Hello, is it urgent? I am in a meeting."),
    human("german wrong number", "Da haben Sie die falsche Nummer.", reply="Ja, hallo."),
    human("german not there", "Herr Berger ist nicht erreichbar, hier ist Anna.", reply="Ja?"),
    human("spanish wrong number", "Se ha equivocado de numero.", reply="Si, diga."),
    human("french", "Allo, bonjour, qui est a l'appareil?", reply="Oui, bonjour."),
    human("french wrong number", "Vous vous trompez de numero.", reply="Oui, allo?"),
    # Speech that is no words
    human("mumbles", Mumble(), reply="Yes hello."),
    human("mumbles for a while", Mumble(4.0), reply="Yes, I am listening."),
    human("mumbles, then hello", Mumble(1.0), 0.8, "Hello?"),
    human("mumbles, then a name", Mumble(), 0.8, "Sorry, this is Ann Miller."),
    human("mumbles twice", Mumble(), 1.0, Mumble(), reply="Who is it?"),
    human("hello, then mumbles", "Hello?", 0.6, Mumble()),
    human("mumbles to somebody else", Mumble(2.0), 1.5, "Yes, hello, who is there?"),
    human("german mumbles", Mumble(), 0.8, "Ja, hallo?", reply="Ja, ich bin da."),
    human("german name, then mumbles", "Schneider.", 0.6, Mumble(), reply="Ja, bitte?"),
    human("german mumbles long", Mumble(3.0), 0.8, "Guten Tag, wer ist da?", reply="Ja?"),
    human("spanish mumbles", Mumble(), 0.8, "Bueno, diga?", reply="Si, hola."),
    human("french mumbles", Mumble(), 0.8, "Allo, bonjour?", reply="Oui, bonjour."),
)

MACHINES = (
    machine("short", "You have reached Tom.", TONE, 0.5, Beep()),
    machine("voicemail of", "You have reached the voicemail of Ann Miller.", 0.6, Beep()),
    machine(
        "long",
        "Hi, you have reached the home of Bob and Susan, we can't come to the phone right now.",
        "If you leave your name and your number we will get back to you as soon as we can.",
        1.0,
        Beep(1400, 0.5),
    ),
    machine(
        "carrier",
        "Your call has been forwarded to an automated voice messaging system.",
        0.4,
        "At the tone, please record your message.",
        0.5,
        Beep(440, 0.4),
    ),
    machine("name and a beep", "Hello, it is Susan.", 0.5, Beep()),
    machine("sounds alive", "Hey there, it is Jack, talk to me.", 0.4, Beep(800, 0.3)),
    machine("the drill", "It is Mike, you know the drill.", 0.5, Beep()),
    machine("split", "Hi, this is the phone of David.", 2.0, TONE, 0.8, Beep()),
    machine(
        "split in three",
        "You have reached the mailbox of George.",
        2.0,
        "He is on holiday until Monday.",
        2.0,
        TONE,
        1.0,
        Beep(),
    ),
    machine("late beep", "This is the answering machine of Paul.", TONE, 3.0, Beep()),
    machine("no beep", "You have reached the voicemail of Linda.", "Please leave a message."),
    machine("no beep and no promise", "We are not at home.", "Call us again on Sunday."),
    machine("not in", "Hi, this is Carol, I am not available, I will call you back later."),
    machine("three beeps", "Leave a message for Henry.", Beep(1000, 0.2), 0.2, Beep(1000, 0.2)),
    machine("noise", "You have reached the voicemail of Walter.", 0.5, Beep(), noise=-46),
    machine("german", "Hier ist die Mailbox von Schmidt.", 0.5, Beep()),
    machine("german tone", "Bitte sprechen Sie nach dem Signalton.", 0.8, Beep()),
    machine("spanish", "Deje su mensaje despues del tono.", 0.8, Beep()),
    # Announcements that offer voicemail
    machine(
        "subscriber",
        "The subscriber you have called is not available.",
        1.5,
        TONE,
        0.5,
        Beep(),
    ),
    machine("subscriber and a beep", "The subscriber you have called is busy.", 1.0, Beep()),
    machine(
        "german subscriber",
        "Der gewünschte Gesprächspartner ist zur Zeit nicht erreichbar.",
        1.5,
        "Bitte sprechen Sie nach dem Signalton.",
        0.8,
        Beep(),
    ),
    machine("google", "The Google subscriber you have called is not available.", 1.0, TONE, Beep()),
    machine(
        "closed, takes messages",
        "Our office is closed. Our office hours are nine to five.",
        1.5,
        TONE,
        0.5,
        Beep(),
    ),
    machine("text me", "Hi, it's Ann. Shoot me a text and I'll get back to you.", 0.5, Beep()),
    machine(
        "a menu for messages",
        "To leave a voice message press one or just wait for the tone.",
        "To send an SMS notification press five.",
        1.0,
        Beep(),
    ),
    machine(
        "french subscriber",
        "Votre correspondant n'est pas disponible.",
        1.0,
        "Laissez un message après le bip.",
        0.8,
        Beep(),
    ),
)

FULL = (
    full("full", "The mailbox is full.", "You can not leave a message."),
    full("not set up", "The person you called has a voice mailbox that is not set up yet."),
    full("no messages", "This number does not accept messages.", 0.3, "Goodbye."),
    full(
        "full, in the words of a network",
        "The person you are trying to reach is not available.",
        "The mailbox is full. Please try again later.",
    ),
    full("german, full", "Die Mailbox des Teilnehmers ist leider voll."),
    full("full after all", "You have reached the voicemail of Frank.", 1.0, "The inbox is full."),
)

SCREENERS = (
    screener(
        "assistant",
        "The person you are calling is using a screening service, and will get a copy of this.",
        "Go ahead and say your name and why you are calling.",
    ),
    screener(
        "telephone",
        "Hi, if you record your name and reason for calling, I will see if she is available.",
    ),
    screener("carrier", "Please state your name and the reason for your call."),
    screener("late", "Hello.", 2.0, "Please say your name and the reason why you are calling."),
    screener("with a tone", "State your name after the tone, and we try to connect you.", Beep()),
    screener("tone and pound", "Calls to this number are being screened.", "Your name?", Beep()),
    screener("guardian", "You are through to Call Guardian.", "Please announce yourself."),
    screener("proof", "Before we connect you, please prove that you are human.", "4 plus 3?"),
    screener("german after a tone", "Nennen Sie Ihren Namen nach dem Signalton.", Beep()),
    screener("spanish after a tone", "Diga su nombre despues del tono.", Beep()),
    screener(
        "asks for a key",
        "This number has call control. To get through, please press five.",
        then=(ANSWERED, "To get through, please press five."),
        outcome="no_answer",
    ),
    screener("german", "Nennen Sie Ihren Namen und den Grund des Anrufs."),
    screener("spanish", "Diga su nombre y el motivo de su llamada."),
    screener(
        "asks more",
        RECORD,
        then=(ANSWERED, "Can you tell me more about why you are calling?", *PUT_THROUGH),
    ),
    screener(
        "asks three times",
        SCREENED,
        then=(
            ANSWERED,
            "Who is calling?",
            ANSWERED,
            "Can you tell me more about what you're calling about?",
            ANSWERED,
            "Is it urgent?",
            *PUT_THROUGH,
        ),
    ),
    screener(
        "does not understand",
        SCREENED,
        then=(
            ANSWERED,
            "It's difficult to understand you. Could you repeat what you just said?",
            ANSWERED,
            "Got it. One moment please.",
            4.0,
            "Ann Miller speaking.",
        ),
    ),
    screener(
        "goes on after it has held us",
        RECORD,
        then=(
            ANSWERED,
            "Thanks. Please stay on the line.",
            3.0,
            "Can you tell me more about why you are calling?",
            *PUT_THROUGH,
        ),
    ),
    screener(
        "call assist",
        "Hi, I'm Call Assist by Google recording this call for the person you are trying to reach.",
        "Before I try to connect you, can I ask what you're calling about?",
    ),
    screener(
        "a callee who asks who it is",
        RECORD,
        then=(ANSWERED, "Thanks, please stay on the line.", 2.0, "Who is this?"),
    ),
    screener(
        "rings on",
        "Please state your name and the reason for your call.",
        then=(ANSWERED, Beep(425, 1.0), 4.0, Beep(425, 1.0), 2.0, "Hello, this is Ann."),
    ),
    screener(
        "an office",
        "Please tell me your name and the reason for your call.",
        then=(
            ANSWERED,
            "What company are you calling from?",
            ANSWERED,
            "Thank you for that.",
            "I will see if she is available.",
            5.0,
            "Hi, Ann here, what can I do for you?",
        ),
    ),
    screener(
        "german, asks more",
        "Nennen Sie Ihren Namen und den Grund des Anrufs.",
        then=(
            ANSWERED,
            "Können Sie mir mehr dazu sagen, worum geht es?",
            ANSWERED,
            "Danke, bitte bleiben Sie in der Leitung.",
            2.0,
            "Ja, Berger?",
        ),
    ),
    screener(
        "german, urgent",
        "Bitte sagen Sie Ihren Namen und warum Sie anrufen.",
        then=(
            ANSWERED,
            "Ist es dringend?",
            ANSWERED,
            "Einen Moment bitte.",
            3.0,
            "Hallo, hier ist Anna.",
        ),
    ),
    screener(
        "spanish, asks more",
        "Diga su nombre y el motivo de su llamada.",
        then=(
            ANSWERED,
            "De que se trata, es urgente?",
            ANSWERED,
            "Gracias, no cuelgue.",
            2.0,
            "Hola, diga?",
        ),
    ),
    screener(
        "french, asks more",
        "Indiquez votre nom et la raison de votre appel.",
        then=(
            ANSWERED,
            "Pourquoi appelez vous?",
            ANSWERED,
            "Merci, ne quittez pas.",
            2.0,
            "Oui, bonjour?",
        ),
    ),
    screener(
        "nobody is there",
        RECORD,
        then=(ANSWERED, "Is it urgent?", ANSWERED, "Sorry, nobody is available. Goodbye."),
        outcome="declined",
    ),
    screener(
        "they can't talk",
        SCREENED,
        then=(ANSWERED, "They can't talk right now, but they will call you back. Goodbye."),
        outcome="declined",
    ),
    screener(
        "declines us as spam",
        SCREENED,
        then=(ANSWERED, "Please remove this number from your list. Thanks and goodbye."),
        outcome="declined",
    ),
    screener(
        "german, nobody is there",
        "Nennen Sie Ihren Namen und den Grund des Anrufs.",
        then=(ANSWERED, "Worum geht es?", ANSWERED, "Es ist leider niemand erreichbar."),
        outcome="declined",
    ),
    screener(
        "leads to a network",
        RECORD,
        then=(ANSWERED, "The subscriber you have called is not available."),
        outcome="no_answer",
    ),
)

ANNOUNCEMENTS = (
    network(
        "not in service",
        "invalid_number",
        "The number you have dialed is not in service.",
        "Please check the number and dial again.",
    ),
    network(
        "as dialed",
        "invalid_number",
        "We're sorry, your call cannot be completed as dialed.",
        "Please check the number and dial again, or call your operator to help you.",
    ),
    network(
        "subscriber",
        "no_answer",
        "The subscriber you have called is not available. Please try again later.",
    ),
    network(
        "disconnected",
        "invalid_number",
        Beep(950, 0.33),
        Beep(1400, 0.33),
        Beep(1800, 0.33),
        "You have reached a number that has been disconnected or is no longer in service.",
        "If you feel you have reached this recording in error, please check the number.",
        1.5,
        "You have reached a number that has been disconnected or is no longer in service.",
    ),
    network(
        "not recognised",
        "invalid_number",
        "The number you have dialled has not been recognised. Please check and try again.",
        stays=False,
    ),
    network("no such number", "invalid_number", "The number you called does not exist."),
    network(
        "temporarily",
        "no_answer",
        "The person you have called is temporarily not available.",
    ),
    network(
        "switched off",
        "no_answer",
        "The mobile phone you are calling is switched off or out of coverage.",
        2.0,
        "Please try again later.",
    ),
    network(
        "accepts no calls",
        "no_answer",
        "The person you are trying to reach is not accepting calls at this time.",
        "Please try your call again later.",
        stays=False,
    ),
    network(
        "circuits",
        "no_answer",
        "All circuits are busy now. Please try your call again later.",
    ),
    network("not completed", "no_answer", "Your call could not be completed at this time."),
    network(
        "engaged",
        "busy",
        "The customer you have called is on another call. Please try again later.",
    ),
    network(
        "and a busy tone",
        "no_answer",
        "The customer you are trying to reach is not available.",
        0.5,
        *(Beep(425, 0.5), 0.5) * 8,
    ),
    network(
        "says it over and over",
        "no_answer",
        *("The subscriber you have called is not available, please try later.", 1.0) * 8,
    ),
    network("german", "invalid_number", "Kein Anschluss unter dieser Nummer."),
    network("german not assigned", "invalid_number", "Diese Rufnummer ist nicht vergeben."),
    network(
        "german subscriber",
        "no_answer",
        "Der gewünschte Gesprächspartner ist zur Zeit nicht erreichbar.",
        1.0,
        "The person you have called is temporarily not available.",
    ),
    network("german busy", "busy", "Der gewünschte Teilnehmer ist besetzt.", "Auf Wiederhören."),
    network("spanish", "invalid_number", "El numero que usted marco no existe."),
    network(
        "spanish line",
        "invalid_number",
        "Actualmente no existe ninguna linea en servicio con esta numeracion.",
        stays=False,
    ),
    network(
        "spanish subscriber",
        "no_answer",
        "El telefono al que llama esta apagado o fuera de cobertura.",
    ),
    network("french", "invalid_number", "Le numéro que vous avez demandé n'est pas attribué."),
    network("french subscriber", "no_answer", "Votre correspondant n'est pas joignable."),
    network("french no subscriber", "invalid_number", "Il n'y a pas d'abonné au numéro demandé."),
    network(
        "tones before it",
        "invalid_number",
        *(Beep(950, 0.33), Beep(1400, 0.33), Beep(1800, 0.33), 0.3),
        "We're sorry. The number you have reached has been disconnected.",
    ),
    # Of networks, telephones and companies that take no calls
    network(
        "unknown callers",
        "no_answer",
        "The party you are trying to reach does not accept calls from unknown numbers.",
    ),
    network(
        "restrictions",
        "no_answer",
        "The number you have dialed has calling restrictions that prevented its completion.",
    ),
    network(
        "no calls", "no_answer", "This number is not accepting calls at this time.", stays=False
    ),
    network("rejected", "no_answer", "We're sorry, your call has been rejected."),
    network("german line", "no_answer", "Dieser Anschluss ist vorübergehend nicht erreichbar."),
    network(
        "german no calls",
        "no_answer",
        "Ihr Gesprächspartner kann zurzeit keine Gespräche entgegennehmen.",
    ),
    network("spanish no calls", "no_answer", "Este numero no recibe llamadas entrantes."),
    network("french no calls", "no_answer", "Nous ne pouvons donner suite à votre appel."),
    network(
        "closed",
        "no_answer",
        "Our office is currently closed. Our business hours are Monday to Friday, nine to five.",
        "Please call back during business hours. Goodbye.",
    ),
    network(
        "german closed",
        "no_answer",
        "Unser Büro ist zurzeit geschlossen. Sie erreichen uns montags bis freitags ab neun Uhr.",
        stays=False,
    ),
    network("spanish closed", "no_answer", "Nuestro horario de atencion es de lunes a viernes."),
    network("french closed", "no_answer", "Vous appelez en dehors des heures d'ouverture."),
)

QUEUES = (
    queue("agents", "All of our agents are busy. Please stay on the line.", 6.0, "Billing desk."),
    queue(
        "again and again",
        *("Your call is important to us. Please hold the line.", 3.0) * 3,
        "Thank you for holding, this is Kate, how can I help you?",
    ),
    queue("music", "Please enjoy the music while your party is reached.", 8.0, "Hello, Ann here."),
    queue("connects", "Please hold while I try to connect you.", 8.0, "Ann Miller speaking."),
    queue(
        "counts",
        *("You are number three in the queue.", 4.0, "You are number two in the queue.", 4.0),
        "Support, this is Tom.",
    ),
    queue(
        "recorded for quality",
        "Thank you for calling Acme. This call may be recorded for quality assurance. Please hold.",
        8.0,
        "Hello, this is Ann.",
    ),
    queue("a person", "One moment please.", 8.0, "Hello, who is there?"),
    queue("a person looks", "Hold on a second, I'll see if she is here.", 8.0, "Ann here, hello?"),
    queue(
        "german",
        *("Alle Mitarbeiter sind im Gespräch. Bitte haben Sie einen Moment Geduld.", 4.0) * 2,
        "Guten Tag, hier ist Schneider.",
    ),
    queue("german person", "Einen Moment bitte, ich verbinde.", 8.0, "Berger, guten Tag."),
    queue(
        "spanish", "Todos nuestros agentes están ocupados. No cuelgue.", 6.0, "Hola, quien habla?"
    ),
    queue("spanish person", "Un momento, por favor.", 8.0, "Hola, diga?"),
    queue("french", "Tous nos conseillers sont en ligne. Merci de patienter.", 6.0, "Oui, allo?"),
    queue("french person", "Ne quittez pas, je vous passe ma collègue.", 8.0, "Allo, bonjour?"),
    queue(
        "nobody comes",
        *("All of our agents are busy. Please stay on the line.", 4.0) * 3,
        outcome="no_answer",
    ),
    queue(
        "nobody comes, in german",
        *("Bitte bleiben Sie in der Leitung.", 4.0) * 3,
        outcome="no_answer",
    ),
)

CORPUS = (*PEOPLE, *MACHINES, *FULL, *SCREENERS, *ANNOUNCEMENTS, *QUEUES)
