// Listening in to a live call, and taking it over, from its page: one of them at a time.
"use strict";
(() => {
  const by = (id) => document.getElementById(id);
  const [state, fault, sounds] = ["line-state", "line-fault", "sounds"].map(by);
  const { call, csrf } = document.querySelector("section.line").dataset;
  const listen = { button: by("listen"), begins: "Listen in", ends: "Stop listening" };
  const takeOver = { button: by("take-over"), begins: "Take over", ends: "Hand back" };
  const both = [listen, takeOver];
  let room = null;
  let track = null;
  let way = null; // what the room was joined for

  const says = (text) => { state.textContent = text; };
  const complain = (text) => { fault.textContent = text; fault.hidden = !text; };

  const press = (which, pressed) => {
    which.button.textContent = pressed ? which.ends : which.begins;
    which.button.setAttribute("aria-pressed", String(pressed));
  };

  const changed = (line) => {
    if (line !== room) return;
    if (line.state === "reconnecting") says("The connection is lost; it is being restored.");
    else if (way === takeOver) {
      const talking = Line.agentOf(line)?.attributes["host.operator"];
      const ours = talking === line.localParticipant.identity;
      says(ours ? "You talk with the far end. The persona is silent." : "The persona steps out …");
    } else if (!line.localParticipant.permissions?.canSubscribe)
      says("The call is off the record: you hear it again afterwards.");
    else says("You hear both sides. Nobody hears or sees you.");
  };

  const leave = async () => {
    const left = room;
    room = way = null;
    track?.stop();
    track = null;
    both.forEach((each) => press(each, false));
    says("You do not hear the call.");
    await left?.disconnect();
  };

  const over = async (reason) => {
    const talked = way === takeOver;
    await leave();
    if (talked && reason === Line.DisconnectReason.PARTICIPANT_REMOVED)
      complain("The connection was lost: the persona has the call again.");
  };

  const join = async (which) => {
    await leave();
    if (which === takeOver) {
      says("Waiting for the microphone …");
      track = await Line.microphone();
    }
    says("Connecting …");
    const told = await Line.ticket(`${call}/${which === takeOver ? "takeover" : "listen"}`, { csrf });
    const joined = await Line.join(told, sounds, { changed, over });
    [room, way] = [joined, which];
    press(which, true);
    changed(room);
    // Without DTX, packets never stop: by them, the call sees that we are there.
    if (track) await room.localParticipant.publishTrack(track, { dtx: false });
  };

  for (const which of both)
    which.button.addEventListener("click", async () => {
      both.forEach((each) => { each.button.disabled = true; });
      complain("");
      try {
        await (way === which ? leave() : join(which));
      } catch (error) {
        await leave();
        complain(error.message);
      } finally {
        both.forEach((each) => { each.button.disabled = false; });
      }
    });
})();
