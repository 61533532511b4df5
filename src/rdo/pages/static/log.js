// Adds to the log of a running build what it grows by; once the build has ended, loads its page again.
"use strict";
(function () {
  const MOST_NODES = 20000;
  const log = document.querySelector("pre.log[data-events]");
  if (!log || !window.EventSource) return;

  function add(lines) {
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    for (const [text, isCause] of lines) {
      const line = isCause ? document.createElement("mark") : document.createTextNode(text + "\n");
      if (isCause) line.textContent = text;
      log.append(line);
      if (isCause) log.append("\n");
    }
    while (log.childNodes.length > MOST_NODES) log.firstChild.remove();
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  }

  log.scrollTop = log.scrollHeight;
  const events = new EventSource(log.dataset.events);
  events.addEventListener("lines", function (event) {
    add(JSON.parse(event.data));
  });
  events.addEventListener("end", function () {
    events.close();
    location.reload();
  });
  events.addEventListener("error", function () {
    if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 30000);
  });
})();
