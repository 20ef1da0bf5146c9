/* What the pages around the room gain from script. Each of them works without it. */

type Disposable = { dispose(): void };

const YEAR_S = 365 * 24 * 60 * 60;

type Theme = "dark" | "light";

function currentTheme(root: HTMLElement): Theme {
  const asked = root.dataset["theme"];
  if (asked === "dark" || asked === "light") return asked;
  return window.matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}

/** The button that changes the theme. The choice is a cookie, so that the server writes it into the next page. */
function themeToggle(button: HTMLButtonElement, root: HTMLElement, signal: AbortSignal): void {
  const label = (): void => {
    button.textContent = (currentTheme(root) === "dark" ? button.dataset["toLight"] : button.dataset["toDark"]) ?? "";
  };
  const toggle = (): void => {
    const theme: Theme = currentTheme(root) === "dark" ? "light" : "dark";
    root.dataset["theme"] = theme;
    document.cookie = `theme=${theme}; path=/; max-age=${YEAR_S}; samesite=lax`;
    label();
  };
  label();
  button.hidden = false;
  button.addEventListener("click", toggle, { signal });
  window.matchMedia("(prefers-color-scheme: light)").addEventListener("change", label, { signal });
}

/** Links to a dialog's address open it as a modal; without script, `:target` shows it in the page. */
function dialogs(root: Document, signal: AbortSignal): void {
  for (const dialog of root.querySelectorAll("dialog")) {
    if (!dialog.open) continue;
    dialog.close();
    dialog.showModal();
  }
  const onClick = (event: MouseEvent): void => {
    if (!(event.target instanceof Element)) return;
    const opener = event.target.closest<HTMLElement>("[data-dialog]");
    const dialog = opener && root.getElementById(opener.dataset["dialog"] ?? "");
    if (dialog instanceof HTMLDialogElement) {
      event.preventDefault();
      dialog.showModal();
    }
    const closer = event.target.closest("[data-close]");
    if (closer) {
      event.preventDefault();
      closer.closest("dialog")?.close();
    }
  };
  root.addEventListener("click", onClick, { signal });
}

/** A menu closes at a click elsewhere and at Escape, which gives the focus back. */
function menu(details: HTMLDetailsElement, root: Document, signal: AbortSignal): void {
  const onClick = (event: MouseEvent): void => {
    if (event.target instanceof Node && !details.contains(event.target)) details.open = false;
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !details.open) return;
    details.open = false;
    details.querySelector("summary")?.focus();
  };
  root.addEventListener("click", onClick, { signal });
  details.addEventListener("keydown", onKey, { signal });
}

/** A sample's film under one round button instead of the browser's controls, which would cover so small a picture. */
function player(figure: HTMLElement, signal: AbortSignal): void {
  const video = figure.querySelector("video");
  if (!video) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "play";
  const tell = (): void => {
    const playing = !video.paused && !video.ended;
    button.classList.toggle("playing", playing);
    button.setAttribute("aria-label", (playing ? figure.dataset["pause"] : figure.dataset["play"]) ?? "");
  };
  const toggle = (): void => {
    if (video.paused) void video.play().catch(tell);
    else video.pause();
  };
  video.controls = false;
  video.after(button);
  tell();
  button.addEventListener("click", toggle, { signal });
  video.addEventListener("click", toggle, { signal });
  for (const change of ["play", "pause", "ended"]) video.addEventListener(change, tell, { signal });
}

/** One sample plays at a time. */
function players(root: Document, signal: AbortSignal): void {
  for (const figure of root.querySelectorAll<HTMLElement>("[data-player]")) player(figure, signal);
  const onPlay = (event: Event): void => {
    for (const video of root.querySelectorAll("video")) if (video !== event.target) video.pause();
  };
  root.addEventListener("play", onPlay, { signal, capture: true });
}

/** Make the page's enhancements live until `dispose`. */
export function createSite(root: Document): Disposable {
  const stop = new AbortController();
  const toggle = root.querySelector<HTMLButtonElement>("[data-theme-toggle]");
  if (toggle) themeToggle(toggle, root.documentElement, stop.signal);
  dialogs(root, stop.signal);
  for (const details of root.querySelectorAll<HTMLDetailsElement>("details[data-menu]")) menu(details, root, stop.signal);
  players(root, stop.signal);
  root.querySelector<HTMLElement>("[data-summary]")?.focus();
  return { dispose: () => stop.abort() };
}
