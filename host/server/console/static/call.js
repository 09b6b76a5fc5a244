// The waveform of a recording, and lines of the timeline that play it from where they were said.
"use strict";
(() => {
  const wave = document.getElementById("wave");
  const button = document.getElementById("play");
  const position = document.getElementById("position");
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).trim();
  const player = WaveSurfer.create({
    container: wave,
    url: wave.dataset.src,
    cspNonce: wave.dataset.nonce,
    height: 48,
    normalize: true,
    cursorColor: color("--text"),
    splitChannels: [
      { waveColor: color("--callers"), progressColor: color("--callers") },
      { waveColor: color("--ours"), progressColor: color("--ours") },
    ],
  });
  const lines = [...document.querySelectorAll("[data-at]")];
  const clock = (seconds) =>
    `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  const mark = (seconds) => {
    let now = null;
    for (const line of lines) if (Number(line.dataset.at) <= seconds + 0.05) now = line;
    for (const line of lines) line.toggleAttribute("data-now", line === now);
  };

  button.addEventListener("click", () => player.playPause());
  player.on("play", () => { button.textContent = "Pause"; button.setAttribute("aria-pressed", "true"); });
  player.on("pause", () => { button.textContent = "Play"; button.setAttribute("aria-pressed", "false"); });
  player.on("timeupdate", (seconds) => {
    position.textContent = `${clock(seconds)} / ${clock(player.getDuration())}`;
    mark(seconds);
  });
  player.on("ready", (seconds) => {
    position.textContent = `0:00 / ${clock(seconds)}`;
    wave.dataset.ready = "";
  });
  player.on("error", () => { document.getElementById("unplayable").hidden = false; });
  for (const line of lines)
    line.addEventListener("click", () => {
      player.setTime(Number(line.dataset.at));
      player.play();
    });
})();
