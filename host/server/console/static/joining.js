// Listening in to a live call, from its page.
"use strict";
(() => {
  const by = (id) => document.getElementById(id);
  const [listen, state, fault, sounds] = ["listen", "line-state", "line-fault", "sounds"].map(by);
  const { call, csrf } = document.querySelector("section.line").dataset;
  const DEAF = "You do not hear the call.";
  let room = null;

  const says = (text) => { state.textContent = text; };
  const complain = (text) => { fault.textContent = text; fault.hidden = !text; };

  const changed = (line) => {
    if (line !== room) return;
    if (line.state === "reconnecting") says("The connection is lost; it is being restored.");
    else if (!line.localParticipant.permissions?.canSubscribe) says("The call is off the record: you hear it again afterwards.");
    else says("You hear both sides. Nobody hears or sees you.");
  };

  const leave = async () => {
    const left = room;
    room = null;
    listen.textContent = "Listen in";
    listen.setAttribute("aria-pressed", "false");
    says(DEAF);
    await left?.disconnect();
  };

  const join = async () => {
    says("Connecting …");
    const told = await Line.ticket(`${call}/listen`, { csrf });
    room = await Line.join(told, sounds, { changed, over: leave });
    changed(room);
    listen.textContent = "Stop listening";
    listen.setAttribute("aria-pressed", "true");
  };

  // One click at a time.
  const once = (button, act) =>
    button.addEventListener("click", async () => {
      if (button.disabled) return;
      button.disabled = true;
      complain("");
      try {
        await act();
      } catch (error) {
        await leave();
        complain(error.message);
      } finally {
        button.disabled = false;
      }
    });

  once(listen, () => (room ? leave() : join()));
})();
