// The page around the terminal: says what the site says, offers links, and starts textual-serve's script, which draws.
"use strict";
(() => {
  const body = document.body;
  const at = (id) => document.getElementById(id);
  const script = document.currentScript;
  const anyway = location.search === "?terminal";
  // textual-serve's script reads parameters of its own, which nobody else shall set.
  if (location.search) history.replaceState(null, "", location.pathname + (anyway ? "?terminal" : ""));
  let words = "";

  const end = (said) => {
    at("said").textContent = words || said;
    at("again").hidden = false;
    body.classList.add("-ended");
    at("again").focus();
  };

  const offer = (url) => {
    const link = at("link").querySelector("a");
    if (!/^https?:\/\//.test(url)) return;
    link.href = link.textContent = url;
    at("link").hidden = false;
  };

  // Why a terminal was refused stands on the page that says so.
  const refused = async () => {
    const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
    if (answer && !answer.ok) location.reload();
    else end("There is no connection to this site just now.");
  };

  class Line extends WebSocket {
    constructor(url) {
      const to = new URL(url, location.href);
      to.protocol = location.protocol === "https:" ? "wss:" : "ws:";
      to.searchParams.set("zone", Intl.DateTimeFormat().resolvedOptions().timeZone || "");
      super(to);
      let opened = false;
      this.addEventListener("open", () => {
        opened = true;
        document.querySelector(".xterm-helper-textarea")?.focus();
      });
      this.addEventListener("message", (event) => {
        if (typeof event.data !== "string") return;
        const [kind, said] = JSON.parse(event.data);
        if (kind === "ended") words = said;
        if (kind === "link") offer(said);
      });
      this.addEventListener("close", () => (opened ? end("The connection was lost.") : refused()));
    }
  }

  const start = async () => {
    // Eighty columns and twenty-four rows, where that can still be read.
    const size = Math.min(innerWidth / 80 / 0.61, innerHeight / 24 / 1.34, 16);
    at("terminal").dataset.fontSize = Math.max(11, Math.floor(size));
    window.WebSocket = Line;
    // That script begins when the window has loaded, and measures its letters once.
    if (document.readyState !== "complete") await new Promise((loaded) => addEventListener("load", loaded));
    await Promise.all(["", "bold "].map((weight) => document.fonts.load(`${weight}16px "Roboto Mono"`))).catch(() => {});
    const terminal = document.createElement("script");
    terminal.src = script.dataset.terminal;
    terminal.addEventListener("load", () => window.onload());
    document.head.append(terminal);
  };

  at("again").addEventListener("click", () => location.reload());
  at("link").querySelector("button").addEventListener("click", () => (at("link").hidden = true));
  if (!anyway && matchMedia("(max-width: 40rem), (max-height: 18rem)").matches) body.classList.add("-narrow");
  else start();
})();
