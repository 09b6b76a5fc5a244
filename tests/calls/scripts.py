"""What the local model answers in whole-call tests. First match wins."""

from canaries import CARD
from temptations import ACTS

from host.local.rules import Rule

ANYBODY = "of the tests"

END = "end of the tests"

RULES = (
    *ACTS,
    Rule(about="leaky one", hears="look me up", calls=("look_up", {})),
    Rule(about="leaky one", after="look_up", says="I can not find you."),
    Rule(about="heavy one", hears="stand still", calls=("stand_still", {})),
    Rule(about=END, hears="leave me alone", calls=("leave", {})),
    Rule(about=END, hears="close the door", calls=("stop", {})),
    Rule(about=END, hears="fall over", calls=("trip", {})),
    Rule(about=END, after="trip", says="I have fallen over."),
    Rule(about="wild one", hears="go on", calls=("look_up", {"what": "all"}), stubborn=True),
    Rule(about="wild one", after="look_up", calls=("look_up", {"what": "all"}), stubborn=True),
    Rule(about="looper", hears="look it up", calls=("look_up", {"what": "the same"})),
    Rule(about="looper", after="look_up", calls=("look_up", {"what": "the same"})),
    Rule(about="looper", after="look_up", says="I could not find it."),
    Rule(
        about="Classify the call greeting",
        hears="house of baker",
        calls=("save_prediction", {"label": "machine-vm"}),
    ),
    Rule(
        about="call is over",
        persona="concludes",
        hears="crown by monday",
        calls=("conclude", {"day": "Monday", "topic": "a crown"}),
    ),
    Rule(
        about="call is over",
        persona="concludes",
        hears="some other day",
        calls=("conclude", {"day": "Someday", "topic": "a visit"}),
    ),
    Rule(
        about="call is over",
        persona="concludes",
        after="conclude",
        calls=("conclude", {"day": "Tuesday", "topic": "a visit"}),
    ),
    Rule(about="call is over", persona="intake", calls=("conclude", {"wish": "a crown"})),
    Rule(persona="concludes", hears="^$", says="What else is there?"),
    Rule(about="booking one", hears="monday", calls=("book", {"day": "Monday"})),
    Rule(about="booking one", after="book", says="Monday it is then."),
    Rule(
        about="dentist's desk",
        hears="appointment",
        calls=("book_appointment", {"day": "Monday"}),
    ),
    Rule(about="dentist's desk", after="book_appointment", says="You are booked for Monday."),
    Rule(about="ordering one", hears="my order", calls=("find_order", {"number": "7"})),
    Rule(about="ordering one", after="find_order", says="Your order comes on Friday."),
    Rule(about="ordering one", hears="my parcel", calls=("find_parcel", {})),
    Rule(about="ordering one", after="find_parcel", says="Your parcel is in Berlin."),
    Rule(about="looking one", hears="my order", calls=("find_order", {})),
    Rule(about="looking one", after="find_order", says="Your order will arrive on Friday."),
    Rule(
        about="looking one",
        hears="my invoice",
        says="Let me have a look at the invoices of this year and of the year before that.",
        calls=("find_invoice", {}),
    ),
    Rule(about="looking one", after="find_invoice", says="Your invoice was paid in May."),
    Rule(about="looking one", hears="my refund", calls=("find_refund", {})),
    Rule(about="looking one", after="find_refund", says="Sadly we know of no refund."),
    Rule(about="looking one", hears="complain", calls=("note_complaint", {})),
    Rule(
        about="looking one",
        hears="visit you",
        says="You are very welcome to visit us on any day of this week or of the next one.",
        calls=("note_visit", {}),
    ),
    Rule(about="looking one", after="note_visit", says="I should have said nothing."),
    Rule(about="looking one", hears="your shop", calls=("find_shop", {})),
    Rule(about="looking one", after="find_shop", says="Our shop is in Main Street."),
    Rule(about="looking one", hears="all orders", calls=("find_history", {})),
    Rule(about="looking one", after="find_history", says="I have them now, three orders."),
    Rule(about="looking one", hears="my pin", calls=("ask_for_pin", {})),
    Rule(about="looking one", after="ask_for_pin", says="Your PIN is all right."),
    Rule(about="looking one", hears="somebody else", calls=("pass_on", {})),
    Rule(about="looking one", after="pass_on", says="You stay with me."),
    Rule(about="looking one", hears="be open", calls=("find_hours", {})),
    Rule(
        about="looking one",
        after="find_hours",
        says=(
            "We are open from nine in the morning to five in the afternoon, from Monday to Friday, "
            "and on Saturdays until noon."
        ),
    ),
    Rule(about="looking one", hears="know me", calls=("ask_for_name", {})),
    Rule(about="looking one", after="ask_for_name", says="Now I know you."),
    Rule(about="looking one", hears="hello|uh-huh|back again", says="I am with you."),
    Rule(
        about="call is over",
        persona="biller",
        hears="my card is",
        calls=("conclude", {"card": CARD, "paid": True}),
    ),
    Rule(
        about="call is over",
        persona="biller",
        hears="not recorded",
        calls=("conclude", {"paid": True}),
    ),
    Rule(about="payer", hears="like to pay", calls=("take_card", {})),
    Rule(about="payer", after="take_card", says="Please tell me the number of your card."),
    Rule(about="payer", hears="record me", calls=("stop_recording", {})),
    Rule(about="payer", after="stop_recording", says="I have ended the recording."),
    Rule(about="payer", hears="my card is", calls=("charge", {"card": CARD})),
    Rule(about="payer", after="charge", says="Thank you very much, it is paid."),
    *(
        Rule(
            persona="reception",
            hears=word,
            calls=("hand_over", {"to": to, "note": f"asked for {word}"}),
        )
        for word, to in (
            ("invoice", "accounts"),
            ("french", "fluent"),
            ("crowd", "crowded"),
            ("fault", "faulty"),
            ("night", "sleepless"),
            ("machine", "machine"),
            ("agent", "agents"),
        )
    ),
    Rule(
        persona="frontdesk",
        hears="invoice",
        calls=("hand_over", {"to": "invoices", "note": "has a question about an invoice"}),
    ),
    Rule(persona="invoices", hears="invoice", says="Which invoice is it about?"),
    Rule(about="second agent of", hears="what day", says="Today is Monday."),
    Rule(about="second agent of", says="Here is the second agent."),
    *(
        Rule(about="first agent of", hears=f"by {words}[.]", calls=(tool, {}))
        for words, tool in (
            ("return", "return_second"),
            ("update", "update_to_second"),
            ("both", "update_and_return"),
            ("report and update", "report_and_update"),
            ("report and return", "report_and_return"),
        )
    ),
    Rule(about="first agent of", hears="talk with an agent", says="The first agent speaks."),
    Rule(about="first agent of", hears="ask me twice", calls=("ask_twice", {})),
    Rule(about="first agent of", after="ask_twice", says="Now I know."),
    Rule(about="first agent of", after="report_and_return", says="You stay with the first."),
    Rule(
        about="realtime model of the tests",
        hears="reception",
        calls=("hand_over", {"to": "reception", "note": "wants to go back"}),
    ),
    Rule(about="realtime model of the tests", hears="^$", says="The live one speaks now."),
    *(
        rule
        for persona, tool, answer in (
            ("lobby", "find_car", "There are two red cars outside."),
            ("workshop", "find_bay", "The lift is free on Thursday."),
            ("parts", "find_part", "The mirror costs forty dollars."),
        )
        for rule in (
            Rule(persona=persona, hears="what do you know", calls=(tool, {})),
            Rule(persona=persona, after=tool, says=answer),
            *(
                Rule(persona=persona, hears=f"{words} the {to}", calls=(way, {"to": to, **more}))
                for to in ("lobby", "workshop", "parts")
                if to != persona
                for words, way, more in (
                    ("give me", "hand_over", {"note": "asked for it"}),
                    ("walk me over to", "walk_over", {}),
                )
            ),
        )
    ),
    Rule(persona="parts", hears="parts|^$", says="We have every screw that you need."),
    Rule(persona="parts", after="walk_over", says="We have every screw that you need."),
    Rule(persona="reception", after="hand_over", says="You stay with the reception."),
    Rule(persona="reception", hears="reception", says="The reception has you again."),
    Rule(
        persona="accounts",
        hears="(?s)reception",
        calls=("hand_over", {"to": "reception", "note": "wants to go back"}),
    ),
    Rule(persona="accounts", after="hand_over", says="You stay with the accounts."),
    Rule(persona="accounts", hears="number seven", calls=("find_invoice", {"number": 7})),
    Rule(persona="accounts", after="find_invoice", says="Invoice seven was paid in May."),
    Rule(persona="accounts", hears="invoice", says="The accounts are here for your invoice."),
    Rule(persona="accounts", hears="^$", says="The accounts are here."),
    Rule(about=ANYBODY, hears="put me through", calls=("transfer_call", {"to": "billing"})),
    Rule(
        about="recorded desk",
        hears="cash desk",
        calls=("transfer_call", {"to": "billing", "summary": ""}),
    ),
    Rule(
        about="recorded desk",
        hears="give me the shop",
        calls=("transfer_call", {"to": "shop", "summary": ""}),
    ),
    Rule(about=ANYBODY, hears="nowhere", calls=("transfer_call", {"to": "desk"})),
    Rule(about=ANYBODY, after="transfer_call", says="Nobody is there. Let us go on then."),
    Rule(about=ANYBODY, hears="goodbye", calls=("end_call", {})),
    Rule(about=ANYBODY, after="end_call", says="Thank you very much for your call. Goodbye."),
    Rule(about=ANYBODY, hears="for the office", calls=("press_keys", {"keys": "2,w5#"})),
    Rule(
        about=ANYBODY,
        hears="customer key",
        calls=("press_keys", {"keys": "12345*12345*w#"}),
    ),
    Rule(about=ANYBODY, hears="star key", calls=("press_keys", {"keys": "2 5"})),
    Rule(about=ANYBODY, after="press_keys", says="I can not press that."),
    Rule(about=ANYBODY, hears="my number", calls=("ask_for_number", {})),
    Rule(about=ANYBODY, after="ask_for_number", says="I shall remember it well."),
    Rule(about=ANYBODY, hears="all lines are taken", calls=("wait_on_hold", {})),
    Rule(about=ANYBODY, hears="billing desk", says="Good morning, billing desk."),
    Rule(about=ANYBODY, hears="what day", says="Today is Monday."),
    Rule(
        about=ANYBODY,
        hears="long story",
        says=(
            "Once there was a king. He had three daughters, and each was cleverer than the one "
            "before, so that nobody in the whole country dared to ask them anything."
        ),
    ),
    Rule(
        about=ANYBODY,
        hears="free on tuesday",
        says=(
            "Let me see what there is on Tuesday. There is one at nine, and another at a quarter "
            "to four. Would you like to have the one in the afternoon?"
        ),
    ),
    Rule(about=ANYBODY, hears="^(yes|sure|yes, please)[.]?$", says="It is yours now."),
    Rule(about=ANYBODY, hears="robot speaking", calls=("detected_answering_machine", {})),
    Rule(about=ANYBODY, hears="who is it", says="It is only a test."),
    Rule(about="opener of the tests", hears="^$", says="Welcome, I am the opener."),
    Rule(about="starter of the tests", hears="^$", says="I am the one who starts the talk."),
    Rule(
        about="switchboard",
        hears="history",
        calls=(
            "transfer_call",
            {
                "to": "sales",
                "summary": " ".join(f"Ann has seen house number {at} ." for at in range(1, 99)),
            },
        ),
    ),
    Rule(
        about="switchboard",
        hears="sales",
        calls=(
            "transfer_call",
            {"to": "sales", "summary": "Ann from Boston wants to buy a house."},
        ),
    ),
    Rule(
        about="switchboard",
        hears="lawyer",
        calls=("transfer_call", {"to": "lawyer", "summary": ""}),
    ),
    *(
        Rule(
            about="switchboard",
            hears=name,
            calls=("transfer_call", {"to": name, "summary": "A question about a bill."}),
        )
        for name in ("boss", "notary", "office", "clinic", "doctor", "nurses")
    ),
    Rule(about="switchboard", after="transfer_call", says="What else can I do for you?"),
    Rule(about="switchboard", hears="nothing", says="Then have a nice day."),
    Rule(about="switchboard", hears="music|anybody", says="I should have kept silent."),
    Rule(
        about="the (troubled|rescued|handed) one",
        hears="take your time",
        calls=("look_around", {}),
    ),
    Rule(about="the (troubled|rescued|handed) one", after="look_around", says="Here it is."),
)
