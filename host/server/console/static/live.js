// Pages of live calls: they look again when the host tells of a change, and count seconds meanwhile.
"use strict";
(() => {
  const AGAIN = 10_000;
  const part = document.querySelector("[data-events]");
  const unconnected = document.getElementById("unconnected");
  let source = null, later = 0;

  const look = () => htmx.trigger(part, "changed");
  const disconnect = () => {
    clearTimeout(later);
    if (source) source.close();
    source = null;
  };
  const connect = () => {
    disconnect();
    if (document.hidden) return; // a browser has few connections to one server
    source = new EventSource(part.dataset.events);
    source.addEventListener("open", () => { unconnected.hidden = true; });
    source.addEventListener("message", look);
    source.addEventListener("error", () => {
      unconnected.hidden = false;
      if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      look(); // leads to the login if the session is over
      later = setTimeout(connect, AGAIN);
    });
  };
  const clock = (seconds) => {
    const two = (number) => String(number).padStart(2, "0");
    const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
    const rest = two(seconds % 60);
    return hours ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
  };

  setInterval(() => {
    for (const time of part.querySelectorAll("[data-seconds]")) {
      time.dataset.seconds = Number(time.dataset.seconds) + 1;
      time.textContent = clock(Number(time.dataset.seconds));
    }
  }, 1000);
  document.addEventListener("visibilitychange", connect);
  window.addEventListener("pagehide", disconnect);
  window.addEventListener("pageshow", connect);
})();
