// A line into a call's room, by livekit-client. Pages say what they show of it.
"use strict";
const Line = (() => {
  const { Room, RoomEvent, DisconnectReason, ParticipantKind, createLocalAudioTrack } = LivekitClient;
  LivekitClient.setLogLevel("silent"); // pages say what goes wrong

  class Fault extends Error {}

  const MICROPHONE = {
    NotAllowedError: "The browser does not allow the microphone: allow it for this page, and try again.",
    NotFoundError: "No microphone was found.",
    NotReadableError: "The microphone can't be used: another program may have it.",
  };

  // A track of the microphone. Throws a Fault with one line.
  const microphone = async () => {
    if (!navigator.mediaDevices)
      throw new Fault("Browsers give a microphone to pages over HTTPS or on 127.0.0.1 only.");
    try {
      return await createLocalAudioTrack({ echoCancellation: true, noiseSuppression: true });
    } catch (error) {
      throw new Fault(MICROPHONE[error.name] || `The microphone can't be used: ${error.message}`);
    }
  };

  // What the console gives for a form: an address and a token. Throws a Fault with one line.
  const ticket = async (action, fields) => {
    let answer;
    try {
      answer = await fetch(action, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
    } catch {
      throw new Fault("The console can't be reached.");
    }
    if (answer.type === "opaqueredirect") {
      location.assign("/login");
      throw new Fault("Sign in first.");
    }
    const text = await answer.text();
    let told;
    try {
      told = JSON.parse(text);
    } catch {
      throw new Fault(text.length < 200 ? text : `The console answered with HTTP ${answer.status}.`);
    }
    if (!answer.ok) throw new Fault(told.fault);
    return told;
  };

  // The attributes of the call's agent: `host.call` is the call's ID. Null while it is not there.
  const agentOf = (room) =>
    [...room.remoteParticipants.values()].find(
      (each) => each.kind === ParticipantKind.AGENT && each.attributes["host.call"],
    ) || null;

  // Join with a ticket; what is said in the room is heard in `sounds`. Throws a Fault.
  const join = async (told, sounds, { changed, over }) => {
    const room = new Room({ disconnectOnPageLeave: true });
    let joined = false;
    room.on(RoomEvent.TrackSubscribed, (track) => sounds.append(track.attach()));
    room.on(RoomEvent.TrackUnsubscribed, (track) => track.detach().forEach((each) => each.remove()));
    for (const event of ["ParticipantConnected", "ParticipantDisconnected", "ParticipantAttributesChanged", "ParticipantPermissionsChanged", "Reconnecting", "Reconnected"])
      room.on(RoomEvent[event], () => changed(room));
    room.on(RoomEvent.Disconnected, (reason) => {
      sounds.replaceChildren();
      if (joined) over(reason);
    });
    try {
      await room.connect(told.url, told.token);
    } catch (error) {
      throw new Fault(`LiveKit can't be reached at ${told.url}: ${error.message}`);
    }
    joined = true;
    changed(room);
    return room;
  };

  return { Fault, microphone, ticket, agentOf, join, DisconnectReason };
})();
