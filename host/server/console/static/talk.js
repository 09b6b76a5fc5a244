// A telephone in the browser: calls a persona, and shows the call below as it goes on.
"use strict";
(() => {
  const by = (id) => document.getElementById(id);
  const [dial, state, fault, line, now] = ["dial", "state", "fault", "line", "now"].map(by);
  const PATIENCE = 15000; // milliseconds in which a host must take the call
  let room = null;
  let track = null;
  let facts = {}; // of the call's agent, also when it has left
  let waiting = null;

  const says = (text) => { state.textContent = text; };
  const complain = (text) => { fault.textContent = text; fault.hidden = !text; };

  const show = (id) => {
    now.setAttribute("hx-get", `/live/${id}/now`);
    now.setAttribute("hx-trigger", "load, every 1s");
    now.setAttribute("hx-swap", "innerHTML");
    htmx.process(now);
  };

  const changed = (line) => {
    const agent = Line.agentOf(line);
    if (!agent) return;
    clearTimeout(waiting);
    if (!facts["host.call"]) show(agent.attributes["host.call"]);
    facts = { ...facts, ...agent.attributes };
    if (facts["host.outcome"]) return;
    says(line.state === "reconnecting" ? "The connection is lost; it is being restored." : "Connected.");
  };

  const over = (reason) => {
    clearTimeout(waiting);
    room = null;
    track?.stop();
    line.hidden = true;
    dial.hidden = false;
    says("Not connected.");
    if (!facts["host.call"]) {
      if (reason === Line.DisconnectReason.ROOM_DELETED)
        complain("No host took the call: all lines are busy, or the host is stopping.");
      else if (fault.hidden) complain("The call has ended before a host took it.");
    } else if (facts["host.outcome"] === "refused" || facts["host.outcome"] === "failed")
      complain(`The call is ${facts["host.outcome"]}: ${facts["host.reason"]}.`);
    else says(`The call is over${facts["host.reason"] ? `: ${facts["host.reason"]}` : ""}.`);
  };

  const call = async () => {
    facts = {};
    complain("");
    now.replaceChildren();
    says("Waiting for the microphone …");
    track = await Line.microphone();
    says("Calling …");
    const told = await Line.ticket(dial.action, new FormData(dial));
    waiting = setTimeout(() => {
      complain("No host took the call: is one running, with this agent name?");
      room?.disconnect();
    }, PATIENCE);
    room = await Line.join(told, by("sounds"), { changed, over });
    by("mute").textContent = "Mute";
    by("mute").setAttribute("aria-pressed", "false");
    line.hidden = false;
    by("hang-up").focus();
    await room.localParticipant.publishTrack(track);
  };

  dial.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (room) return;
    dial.hidden = true;
    try {
      await call();
    } catch (error) {
      clearTimeout(waiting);
      track?.stop();
      room?.disconnect();
      dial.hidden = false;
      says("Not connected.");
      complain(error.message);
    }
  });
  by("hang-up").addEventListener("click", () => room?.disconnect());
  by("mute").addEventListener("click", async (event) => {
    const mutes = event.target.getAttribute("aria-pressed") !== "true";
    await (mutes ? track.mute() : track.unmute());
    event.target.setAttribute("aria-pressed", String(mutes));
    event.target.textContent = mutes ? "Unmute" : "Mute";
  });
  for (const key of document.querySelectorAll("[data-key]"))
    key.addEventListener("click", () => {
      const code = "0123456789*#".indexOf(key.dataset.key);
      room?.localParticipant.publishDtmf(code, key.dataset.key);
    });
})();
