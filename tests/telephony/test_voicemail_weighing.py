"""Weighing what answered a call: words, a beep, the model, and an answer to a question."""

import logging
from dataclasses import replace
from types import SimpleNamespace

import pytest
from livekit.agents import AMDCategory
from sample_calls import call_of

from host.call.state import AnsweredBy
from host.records.outcome import Outcome
from host.settings import Settings
from host.telephony.voicemail.announcement import ending_of
from host.telephony.voicemail.phrases import read
from host.telephony.voicemail.policy import Policy
from host.telephony.voicemail.weighing import LONG_SPEECH, TALKS_ON, Answer, Evidence, weigh

MACHINES = (
    "You have reached the voicemail of Ann. Please leave a message after the tone.",
    "You've reached Ann Miller. Leave your name and number and I will get back to you.",
    "Hi, this is Bob. I can't come to the phone. Please leave me a message.",
    "Your call has been forwarded to an automated voice messaging system.",
    "At the tone, please record your message.",
    "Hello, you have reached Ann's mailbox.",
    "Please state your name, your number and the reason for your call, and we will call you back.",
    "Guten Tag, hier ist die Mailbox von Anna Müller.",
    "Leider bin ich nicht da. Bitte hinterlassen Sie eine Nachricht nach dem Signalton.",
    "En este momento no puedo atender. Deje su mensaje después de la señal.",
    "Bonjour, laissez un message après le bip.",
)
FULL = (
    "The mailbox is full. You can not leave a message.",
    "The person you called has a voice mailbox that hasn't been set up yet. Goodbye.",
    "The mailbox of the person you called is full and cannot accept any messages.",
    "Die Mailbox ist leider voll.",
    "El buzón de voz está lleno.",
    "La messagerie de votre correspondant est pleine.",
)
INVALID = (
    "The number you have dialed is not in service. Please check the number and dial again.",
    "I'm sorry, the number you have reached, 5 5 5, 0 1 2 3, is not in service at this time.",
    "We're sorry, you have reached a number that has been disconnected or is no longer in service.",
    "Your call can not be completed as dialed. Please hang up and try again.",
    "We are unable to complete your call as dialed.",
    "The number you've dialled hasn't been recognised. Please check and try again.",
    "The number you have called has been changed. The new number is 5 5 5, 0 1 9 9.",
    "The number you are trying to reach does not exist.",
    "You have dialed an invalid number.",
    "You have reached a non-working number.",
    "We're sorry, this number is no longer in service.",
    "You must first dial a one when calling this number.",
    "Kein Anschluss unter dieser Nummer. Kein Anschluss unter dieser Nummer.",
    "Diese Rufnummer ist nicht vergeben.",
    "Die von Ihnen gewählte Rufnummer ist uns nicht bekannt. Bitte rufen Sie die Auskunft an.",
    "Die gewählte Nummer ist ungültig.",
    "El número que usted marcó no existe, favor de verificarlo.",
    "Le informamos que actualmente no existe ninguna línea en servicio con esta numeración.",
    "El número marcado no está asignado a ningún cliente.",
    "Su llamada no puede ser completada como se marcó.",
    "Le numéro que vous avez demandé n'est pas attribué.",
    "Le numéro composé n'est plus en service.",
    "Il n'y a pas d'abonné au numéro que vous avez demandé.",
    "Le numéro que vous avez composé n'est pas attribué ou n'est pas accessible.",
    "Welcome to Verizon Wireless. The number you dialed has been changed, disconnected, or is no "
    "longer in service. Announcement two, switch seventy-five.",
    "Die Rufnummer des Teilnehmers hat sich geändert. Bitte rufen Sie die Auskunft an.",
)
UNREACHABLE = (
    "The subscriber you have called is not available. Please try again later.",
    "The Verizon Wireless customer you have called isn't available at this time.",
    "The number you have dialed is temporarily out of service.",
    "The number you have reached is temporarily not in service.",
    "The mobile you are calling is switched off or out of the coverage area.",
    "The wireless customer is not available. Please try again later.",
    "The person you have called is temporarily not available.",
    "The person you're trying to reach is not accepting calls at this time.",
    "The person you are calling is unavailable right now. Please try your call again later.",
    "We're sorry, all circuits are busy now. Please try your call again later.",
    "Your call could not be completed at this time.",
    "If you would like to make a call, please hang up and try again.",
    "Der gewünschte Gesprächspartner ist zur Zeit leider nicht erreichbar.",
    "Der Teilnehmer ist vorübergehend nicht erreichbar.",
    "Die Verbindung kann zur Zeit nicht hergestellt werden.",
    "El teléfono al que llama está apagado o fuera de cobertura en este momento.",
    "El cliente que usted marcó no se encuentra disponible.",
    "Su llamada no se puede completar en este momento.",
    "Votre correspondant n'est pas joignable pour le moment. Veuillez rappeler ultérieurement.",
    "Votre correspondante est actuellement indisponible.",
    "Suite à un incident, votre appel ne peut aboutir.",
    "The party you are trying to reach does not accept calls from numbers that block caller ID.",
    "The person you're calling does not accept calls from unknown callers.",
    "At the subscriber's request, this phone does not accept incoming calls.",
    "This number is not accepting calls at this time. Goodbye.",
    "The number you have dialed has calling restrictions that prevented its completion.",
    "We're sorry, your call has been rejected.",
    "It has not been possible to connect your call. Please try again later.",
    "The O2 customer you are calling is not able to take your call.",
    "We are sorry, no one is available to take your call. Please try again later.",
    "Dieser Anschluss ist vorübergehend nicht erreichbar.",
    "Dieser Anschluss nimmt keine anonymen Anrufe entgegen.",
    "Ihr Gesprächspartner kann zurzeit keine Gespräche entgegennehmen.",
    "Das von Ihnen gewählte Ziel kann nicht erreicht werden.",
    "Nous ne pouvons donner suite à votre appel.",
    "Votre correspondant ne souhaite pas recevoir d'appels anonymes.",
    "Este número no recibe llamadas entrantes.",
    "No ha sido posible completar su llamada.",
)
CLOSED = (
    "Our office is currently closed. Our business hours are Monday to Friday from nine to five.",
    "We are closed at the moment. Please call back during regular business hours. Goodbye.",
    "You have reached us outside of our opening hours.",
    "Unser Büro ist zurzeit geschlossen. Sie erreichen uns montags bis freitags ab neun Uhr.",
    "Sie rufen außerhalb unserer Geschäftszeiten an.",
    "Nuestras oficinas están cerradas. Nuestro horario de atención es de lunes a viernes.",
    "Nos bureaux sont actuellement fermés. Merci de rappeler du lundi au vendredi.",
    "Vous appelez en dehors des heures d'ouverture.",
)
ENGAGED = (
    "The customer you have called is on another call.",
    "The number you have dialed is busy. Please try again later.",
    "The line you are calling is engaged.",
    "Der gewünschte Teilnehmer ist besetzt.",
    "El número que ha marcado está ocupado.",
    "Votre correspondant est déjà en communication.",
)
NO_ANNOUNCEMENTS = (
    "The number you have dialed must be wrong.",
    "I am not available right now, call again later.",
    "You have reached Molar Dental. All our agents are busy. Please hold the line.",
    "All our lines are busy. The number you have called is busy, please stay on the line.",
    "This is a business number, please dial the extension.",
    "My old number is not in service any more.",
    "This number is not in service for them, it is a bakery.",
    "The number you called is wrong, there is no Ann here.",
    "You've reached the wrong number.",
    "The person you are calling is not available.",
    "Mr. Green is not available.",
    "The line is bad, can you hear me?",
    "I am busy.",
    "Da haben Sie die falsche Nummer gewählt.",
    "Ich bin gerade nicht erreichbar.",
    "Herr Berger ist zur Zeit nicht erreichbar.",
    "Votre correspondant est occupé, ne quittez pas.",
    "Je ne suis pas disponible.",
    "Se ha equivocado de número.",
    "No estoy disponible, está ocupado.",
    "We don't accept calls from companies.",
    "We are closed today, I am only the night guard.",
    "Your call has been on my mind.",
    "Our office is closed. For an emergency, press one.",
    "Meine Telefonnummer hat sich geändert.",
    "Wir haben heute geschlossen.",
    "Je ne peux pas vous répondre.",
    "Hoy estamos cerrados.",
)
SCREENERS = (
    "Hi, the person you're calling is using a screening service from Google, and will get a copy of"
    " this conversation. Go ahead and say your name and why you're calling.",
    "Hi, if you record your name and reason for calling, I'll see if this person is available.",
    "Hi, I'm Call Assist by Google recording this call for the person you're trying to reach. "
    "Before I try to connect you, can I ask what you're calling about?",
    "Please say who you are and the reason for your call.",
    "Please state your name and the reason for your call.",
    "Please state your name after the tone, and Google Voice will try to connect you.",
    "Calls to this number are being screened. Please say your name after the tone.",
    "This number has call control. To get through, please press five.",
    "You're through to BT Call Guardian. Please announce your name after the tone.",
    "Before we connect you, please prove that you are human. What is four plus three?",
    "Bitte nennen Sie Ihren Namen nach dem Signalton.",
    "Diga su nombre después del tono.",
    "Dites votre nom après le bip.",
    "The person you are calling is screening their calls.",
    "Bitte nennen Sie Ihren Namen und den Grund Ihres Anrufs.",
    "Por favor, diga su nombre y el motivo de su llamada.",
    "Veuillez indiquer votre nom et la raison de votre appel.",
)
PEOPLE = (
    "Hello?",
    "Yes.",
    "Hi, this is Ann Miller.",
    "Molar Dental, this is Kate speaking, how can I help you?",
    "The GM is not available, may I take a message?",
    "She is not here. Would you like to leave a message?",
    "You have reached Molar Dental, how may I direct your call?",
    "May I ask who's calling and what it's regarding?",
    "Can you tell me your name and why you are calling?",
    "Sorry, I am driving. Can you leave a message on my voicemail?",
    "Guten Tag, Müller, was kann ich für Sie tun?",
    "Hola, ¿quién habla?",
)


@pytest.mark.parametrize("words", MACHINES)
@pytest.mark.parametrize(
    "label",
    [None, AnsweredBy.HUMAN, AnsweredBy.UNCERTAIN, AnsweredBy.MACHINE_VM, AnsweredBy.MACHINE_IVR],
)
def test_a_machines_own_words_are_proof(words: str, label: AnsweredBy | None) -> None:
    assert _category(Evidence(words, label)) == AnsweredBy.MACHINE_VM


@pytest.mark.parametrize("words", FULL)
@pytest.mark.parametrize("label", [None, AnsweredBy.HUMAN, AnsweredBy.MACHINE_VM])
def test_a_mailbox_that_takes_nothing_is_named(words: str, label: AnsweredBy | None) -> None:
    assert _category(Evidence(words, label)) == AnsweredBy.MACHINE_UNAVAILABLE


@pytest.mark.parametrize("words", INVALID + UNREACHABLE + ENGAGED + CLOSED)
@pytest.mark.parametrize("label", [None, AnsweredBy.HUMAN, AnsweredBy.MACHINE_UNAVAILABLE])
@pytest.mark.table(quick=4)
def test_a_networks_words_are_proof(words: str, label: AnsweredBy | None) -> None:
    assert _category(Evidence(words, label)) == AnsweredBy.ANNOUNCEMENT


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        *((Outcome.INVALID_NUMBER, words) for words in INVALID),
        *((Outcome.NO_ANSWER, words) for words in UNREACHABLE + CLOSED),
        *((Outcome.BUSY, words) for words in ENGAGED),
    ],
)
def test_an_announcement_tells_the_outcome(outcome: Outcome, words: str) -> None:
    ending = ending_of(words, "host")
    assert ending.outcome is outcome
    assert ending.worth_a_retry is (outcome is not Outcome.INVALID_NUMBER)


@pytest.mark.parametrize("words", NO_ANNOUNCEMENTS)
def test_people_and_queues_are_no_networks(words: str) -> None:
    assert not read(words).announcement


@pytest.mark.parametrize("words", INVALID + UNREACHABLE + ENGAGED + CLOSED)
def test_an_announcement_is_told_by_people_too(words: str) -> None:
    quoted = Evidence(f"Hello, who is this? {words}", AnsweredBy.HUMAN)
    assert _category(quoted) in (AnsweredBy.HUMAN, None)
    assert _category(Evidence(words, late=True)) is None
    silent = Evidence(words, late=True, answer=Answer(over=True))
    assert _category(silent) == AnsweredBy.ANNOUNCEMENT


@pytest.mark.parametrize("words", UNREACHABLE + CLOSED)
def test_an_announcement_that_offers_voicemail_is_a_machine(words: str) -> None:
    offered = f"{words} Please leave a message after the tone."
    assert _category(Evidence(offered)) == AnsweredBy.MACHINE_VM


@pytest.mark.parametrize("words", SCREENERS)
@pytest.mark.parametrize(
    "label", [None, AnsweredBy.HUMAN, AnsweredBy.MACHINE_IVR, AnsweredBy.MACHINE_VM]
)
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.table(quick=4)
def test_a_screener_is_known_by_its_words_before_any_label(
    words: str, label: AnsweredBy | None, late: bool
) -> None:
    assert _category(Evidence(words, label, late=late)) == AnsweredBy.SCREENING


@pytest.mark.parametrize("words", PEOPLE)
def test_a_person_is_one_when_the_model_says_so(words: str) -> None:
    assert _category(Evidence(words, AnsweredBy.HUMAN, longest=4.0)) == AnsweredBy.HUMAN


@pytest.mark.parametrize("words", PEOPLE)
@pytest.mark.parametrize("label", [AnsweredBy.MACHINE_VM, AnsweredBy.MACHINE_UNAVAILABLE])
def test_a_person_is_never_a_machine_on_the_models_word(words: str, label: AnsweredBy) -> None:
    assert _category(Evidence(words, label, longest=4.0)) in (AnsweredBy.HUMAN, None)


@pytest.mark.parametrize("label", [AnsweredBy.MACHINE_VM, AnsweredBy.MACHINE_UNAVAILABLE])
def test_a_question_to_us_is_a_person_whatever_the_model_says(label: AnsweredBy) -> None:
    words = "The GM is not available, may I take a message?"
    assert _category(Evidence(words, label)) == AnsweredBy.HUMAN


def test_nothing_is_said_before_the_model_has_spoken_unless_there_is_proof() -> None:
    assert weigh(Evidence("Hello?")) is None
    assert _category(Evidence("Hello?", beep=True)) == AnsweredBy.MACHINE_VM


def test_a_menu_stays_one() -> None:
    assert (
        _category(Evidence("Press one for sales.", AnsweredBy.MACHINE_IVR))
        == AnsweredBy.MACHINE_IVR
    )
    assert _category(Evidence("Hello, who is this?", AnsweredBy.MACHINE_IVR)) == AnsweredBy.HUMAN


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(Evidence("Hello?", AnsweredBy.MACHINE_VM), id="the model alone"),
        pytest.param(
            Evidence("You've reached the Smiths, hello?", AnsweredBy.HUMAN), id="a family"
        ),
        pytest.param(
            Evidence("Hi there.", AnsweredBy.HUMAN, longest=LONG_SPEECH + 1), id="talks long"
        ),
        pytest.param(
            Evidence("Hello, who is this?", AnsweredBy.HUMAN, beep=True), id="a beep, a question"
        ),
        pytest.param(
            Evidence("Leave a message after the tone. Hello, who is this?", AnsweredBy.MACHINE_VM),
            id="picked up after all",
        ),
        pytest.param(Evidence("Hello?", beep=True, late=True), id="a late beep"),
        pytest.param(Evidence("Please leave me a message.", late=True), id="late words"),
    ],
)
def test_what_stays_in_doubt_is_asked(evidence: Evidence) -> None:
    assert weigh(evidence) is None


def test_late_words_and_a_beep_are_proof() -> None:
    words = "Hi, this is Ann. Please leave me a message."
    assert _category(Evidence(words, late=True, beep=True)) == AnsweredBy.MACHINE_VM


DOUBT = Evidence("Hi, this is Ann.", AnsweredBy.MACHINE_VM)


@pytest.mark.parametrize(
    ("answer", "category"),
    [
        pytest.param(Answer("Yes, hello?", True, 0.8, over=True), AnsweredBy.HUMAN, id="yes"),
        pytest.param(Answer("", True, 0.4, over=True), AnsweredBy.HUMAN, id="a sound"),
        pytest.param(Answer("Molar Dental.", True, 2.0, over=True), AnsweredBy.HUMAN, id="a name"),
        pytest.param(Answer("Who is this?", True, 0.8), AnsweredBy.HUMAN, id="a question, at once"),
        pytest.param(
            Answer("Who is this?", True, 0.8, beep=True), AnsweredBy.HUMAN, id="and a beep"
        ),
        pytest.param(
            Answer("Yes, I am here, I was in the garden", True, TALKS_ON + 1, over=True),
            AnsweredBy.HUMAN,
            id="a long yes",
        ),
        pytest.param(Answer(over=True), AnsweredBy.MACHINE_VM, id="silence"),
        pytest.param(Answer("", True, 0.4, beep=True), AnsweredBy.MACHINE_VM, id="a beep"),
        pytest.param(Answer("I am out.", True, TALKS_ON + 1), AnsweredBy.MACHINE_VM, id="talks on"),
        pytest.param(
            Answer("Please leave a message.", True, 1.0),
            AnsweredBy.MACHINE_VM,
            id="a machine's words",
        ),
        pytest.param(
            Answer("The mailbox is full.", True, 1.0),
            AnsweredBy.MACHINE_UNAVAILABLE,
            id="a full mailbox",
        ),
        pytest.param(
            Answer("Please say your name and why you are calling.", True, 1.0),
            AnsweredBy.SCREENING,
            id="a screener",
        ),
        pytest.param(Answer("I am out", True, 2.0), None, id="not over yet"),
        pytest.param(Answer(), None, id="nothing yet"),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_the_answer_decides(answer: Answer, category: str | None, late: bool) -> None:
    assert _category(replace(DOUBT, answer=answer, late=late)) == category


def test_silence_after_words_of_a_full_mailbox_leaves_no_message() -> None:
    doubt = Evidence("Hello?", AnsweredBy.MACHINE_UNAVAILABLE, answer=Answer(over=True))
    assert _category(doubt) == AnsweredBy.MACHINE_UNAVAILABLE


def test_a_verdict_says_what_it_was_concluded_from() -> None:
    verdict = weigh(Evidence(MACHINES[0]))
    assert verdict is not None
    assert verdict.describe(words=True) == "it said 'have reached the voicemail'"
    assert verdict.describe(words=False) == "it said …"
    assert verdict.transcript == MACHINES[0]
    assert verdict.mailbox
    assert verdict.takes_messages
    asked = weigh(Evidence(answer=Answer(FULL[0])))
    assert asked is not None
    assert asked.describe(words=True).startswith("when asked, it said 'mailbox is full")
    assert asked.describe(words=False) == "when asked, it said …"
    beep = weigh(Evidence(beep=True))
    assert beep is not None
    assert beep.describe(words=False) == "a beep after the greeting"


@pytest.mark.parametrize("log_transcripts", [False, True])
@pytest.mark.parametrize("record_transcripts", [False, True])
def test_what_it_said_is_told_where_words_are(
    caplog: pytest.LogCaptureFixture, log_transcripts: bool, record_transcripts: bool
) -> None:
    settings = Settings(log_transcripts=log_transcripts, record_transcripts=record_transcripts)
    call = call_of(settings)
    verdict = weigh(Evidence("I'll see if John Smith is available."))
    assert verdict is not None
    with caplog.at_level(logging.INFO, "host"):
        Policy(call, SimpleNamespace()).note(verdict)  # type: ignore[arg-type]
    assert call.state.voicemail == AnsweredBy.SCREENING
    assert ("john smith" in (call.state.voicemail_reason or "")) is record_transcripts
    assert ("john smith" in caplog.text) is log_transcripts
    assert "answered by screening (it said" in caplog.text


@pytest.mark.parametrize(
    "words",
    [
        "Thank you. Please stay on the line.",
        "One moment please.",
        "Bitte bleiben Sie in der Leitung.",
        "No cuelgue, por favor.",
        "Ne quittez pas.",
    ],
)
def test_a_screener_that_asks_to_wait_is_understood(words: str) -> None:
    assert read(words).holds
    assert not read(words).turns_away


@pytest.mark.parametrize(
    "words",
    [
        "I'm sorry, this person is not available. Goodbye.",
        "The person you are calling can't take your call.",
        "Die Person ist leider nicht verfügbar.",
        "La persona no está disponible.",
        "La personne n'est pas disponible.",
    ],
)
def test_a_screener_that_turns_us_away_is_understood(words: str) -> None:
    assert read(words).turns_away


QUESTIONS = (
    "Can you tell me more about why you are calling?",
    "What are you calling about?",
    "Is it urgent?",
    "Do you need to get a hold of them urgently?",
    "It's difficult to understand you at the moment. Could you repeat what you just said?",
    "Sorry, I didn't catch that.",
    "What company are you calling from?",
    "May I have your name?",
    "Können Sie mir mehr dazu sagen?",
    "Ist es dringend?",
    "Warum rufen Sie an?",
    "¿Puede decirme algo más?",
    "¿Es urgente?",
    "No le he entendido, ¿puede repetirlo?",
    "Pourquoi appelez-vous ?",
    "C'est urgent ?",
    "Pouvez-vous m'en dire plus ?",
)
WHO = (
    "Who is this?",
    "Who's calling?",
    "What is this about?",
    "Wer ist da?",
    "Worum geht es?",
    "¿Quién habla?",
    "¿De qué se trata?",
    "Qui est à l'appareil ?",
    "C'est à quel sujet ?",
)


@pytest.mark.parametrize("words", QUESTIONS)
def test_a_screeners_further_question_is_no_callee(words: str) -> None:
    said = read(words)
    assert said.probes
    assert not any([said.picks_up, said.turns_away, said.wonders])


@pytest.mark.parametrize("words", WHO)
def test_a_screener_and_a_callee_ask_who_it_is(words: str) -> None:
    said = read(words)
    assert said.wonders
    assert not any([said.probes, said.picks_up])


@pytest.mark.parametrize(
    "words",
    ["Hello?", "Yes?", "Hi, this is Ann.", "Ja, Berger?", "Hola, ¿diga?", "Oui, allô ?"],
)
def test_a_callees_first_words_are_known(words: str) -> None:
    said = read(words)
    assert said.picks_up
    assert not any([said.probes, said.holds, said.turns_away])


@pytest.mark.parametrize(
    "words",
    [
        "They can't talk right now, but they'll call you later. Thanks, and goodbye.",
        "Please remove this number from your mailing and contact list. Thanks, and goodbye.",
        "Sorry, no one is available.",
        "Es ist leider niemand erreichbar.",
        "No hay nadie disponible.",
        "Personne n'est disponible.",
    ],
)
def test_a_screener_that_says_that_nobody_comes_turns_us_away(words: str) -> None:
    assert read(words).turns_away


def test_a_person_who_has_no_time_does_not_turn_us_away() -> None:
    assert not read("Hello, I can't take your call right now.").turns_away


def test_whatever_livekits_amd_says_has_a_name_of_ours() -> None:
    assert {each.value for each in AMDCategory} == {*AnsweredBy} - {
        AnsweredBy.SCREENING,
        AnsweredBy.ANNOUNCEMENT,
    }


def _category(evidence: Evidence) -> AnsweredBy | None:
    verdict = weigh(evidence)
    return verdict.category if verdict else None
