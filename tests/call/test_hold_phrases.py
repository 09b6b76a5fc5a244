"""Words that put a call on hold, and words that sound alike and do not."""

import pytest

from host.call.hold_phrases import hold_in, is_recorded

QUEUES = (
    "Your call has been placed on hold. Please stay on the line.",
    "All of our agents are currently assisting other customers. Please hold.",
    "Thank you for calling Acme. Your call is important to us.",
    "Your call will be answered in the order it was received.",
    "You are number three in the queue. The estimated wait time is four minutes.",
    "Please continue to hold, and the next available representative will be with you shortly.",
    "Please hold while we connect you to an agent.",
    "We are experiencing a higher than usual call volume.",
    "Alle unsere Mitarbeiter sind im Gespräch. Bitte haben Sie einen Moment Geduld.",
    "Bitte bleiben Sie in der Leitung. Der nächste freie Mitarbeiter ist für Sie da.",
    "Ihr Anruf ist uns wichtig.",
    "Todos nuestros agentes están ocupados. Por favor, permanezca en la línea.",
    "Su llamada es muy importante para nosotros. No cuelgue.",
    "Tous nos conseillers sont en ligne. Merci de patienter.",
    "Votre appel a été mis en attente.",
    "Please stay on the line.",
    "Please continue to hold.",
    "Someone will be with you shortly. You are next in line.",
    "Bitte legen Sie nicht auf.",
    "Por favor, no cuelgue.",
    "Veuillez patienter.",
    "Please enjoy the music while your party is reached.",
    "You have been placed in a queue. You are caller number three.",
)
PEOPLE_WHO_NEED_A_MOMENT = (
    "One moment please.",
    "Please hold.",
    "Hold on.",
    "Hold on a second, let me get my glasses.",
    "Okay, just a moment, I'll see if she is here.",
    "Hello, one moment please.",
    "Could you hold for a minute, please?",
    "Can you hold on a second?",
    "Sure, give me one second.",
    "Bear with me.",
    "Let me put you on hold for a minute.",
    "I'm transferring you now.",
    "Hang on, I'll be right back.",
    "Einen Moment bitte.",
    "Ja, Moment, ich schaue mal nach.",
    "Können Sie kurz warten?",
    "Bleiben Sie bitte dran, ich verbinde Sie.",
    "Einen Moment bitte, ich verbinde.",
    "Un momento, por favor.",
    "Espere un momento, voy a ver si está.",
    "Un instant, s'il vous plaît.",
    "Ne quittez pas, je vous passe ma collègue.",
)
NO_HOLD = (
    "",
    "Hello?",
    "Hold on, I don't want that.",
    "Hold on, who is this?",
    "Wait, that is wrong.",
    "One moment, what did you say your name was?",
    "Can you wait until Monday?",
    "Could you hold my appointment until Friday?",
    "I have been on hold for an hour!",
    "I was put on hold three times today.",
    "Please put the order on hold.",
    "Should I stay on the line?",
    "It only takes a moment to fill in.",
    "I will wait for your letter.",
    "Thank you for holding, this is Maria, how can I help you?",
    "Thanks for holding.",
    "Thank you for waiting. Who am I speaking to?",
    "Hello, this is the billing desk.",
    "For sales press one, or stay on the line.",
    "Hold on, I have to go.",
    "Thank you for your patience. Your appointment is at three.",
    "Please stay on the line, I have found your file.",
    "All of our dentists are busy until Thursday.",
    "The next available appointment is on Monday.",
    "The estimated wait time for an appointment is two weeks.",
    "We have longer wait times on Mondays, so come on Tuesday.",
    "Can I stay on the line?",
    "Wait until I have finished.",
    "Alle Plätze sind belegt.",
    "Der nächste freie Platz ist am Montag.",
    "Sie sind am Montag an der Reihe.",
    "El tiempo de espera para una cita es de dos semanas.",
    "Le temps d'attente est de deux semaines.",
    "Moment, das will ich nicht.",
    "Können Sie bis Montag warten?",
    "Ich hänge seit einer Stunde in der Warteschleife.",
    "Danke fürs Warten, wie kann ich Ihnen helfen?",
    "Espere, eso no lo quiero.",
    "¿Puede esperar hasta el lunes?",
    "Attendez, ce n'est pas ça.",
    "Pouvez-vous attendre jusqu'à lundi ?",
)


@pytest.mark.parametrize("words", QUEUES)
def test_a_queue_puts_the_call_on_hold(words: str) -> None:
    assert hold_in(words)
    assert is_recorded(words)


@pytest.mark.parametrize("words", PEOPLE_WHO_NEED_A_MOMENT)
def test_a_person_who_needs_a_moment_puts_the_call_on_hold(words: str) -> None:
    assert hold_in(words)


@pytest.mark.parametrize("words", NO_HOLD)
def test_words_that_only_sound_alike_do_not(words: str) -> None:
    assert not hold_in(words)
