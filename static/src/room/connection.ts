/** The pill in the header: what the two sockets and the document amount to, in one line. */
import { createBin, el, part, say, set, show } from "../dom";
import type { Key, Translate } from "../i18n";
import { CLOSE_CODES } from "../protocol";
import type { SocketState } from "../socket";
import type { DocumentState } from "./document";

export type PillKey = Extract<Key, "connecting" | "saved" | "saving" | "reconnecting" | "offline" | "read_only">;

export interface Links {
  room: SocketState;
  document: DocumentState;
  readOnly: boolean;
  /** Down for longer than a blip, or the browser says that there is no network. */
  longGone: boolean;
  everLive: boolean;
}

export function pillOf(links: Links): PillKey {
  const live = links.room.kind === "live" && links.document.kind === "live";
  if (!live) {
    if (links.longGone) return links.readOnly ? "reconnecting" : "offline";
    return links.everLive ? "reconnecting" : "connecting";
  }
  if (links.readOnly) return "read_only";
  return links.document.kind === "live" && links.document.saved ? "saved" : "saving";
}

/** Why the room is closed for this page; null while it is not. */
export function endCode(room: SocketState, document: DocumentState): number | null {
  if (room.kind === "ended") return room.code;
  return document.kind === "ended" ? document.code : null;
}

const BLIP_MS = 5_000;
/** "Saving…" is said at once; "Saved" a moment late, so that it does not flicker at every key. */
const CALM_MS = 250;

const LIVE: ReadonlySet<PillKey> = new Set(["saved", "saving", "read_only"]);
const TOLD: ReadonlySet<PillKey> = new Set(["reconnecting", "offline", "read_only"]);

/**
 * What is said aloud when the pill changes: losses and roles; saving and saved at every key are not.
 * `live` is the last one of a page that was connected.
 */
export function toldOf(before: PillKey | null, now: PillKey, live: PillKey | null): Key | null {
  if (before === null || before === now) return null;
  if (TOLD.has(now)) return now;
  if (live === "read_only") return "may_edit";
  return TOLD.has(before) ? now : null;
}

export interface ConnectionOptions {
  t: Translate;
  homeUrl: string;
  /** Load the page without what the server refused. */
  startOver(): void;
  peopleCount(): number;
  onReconnect(online: boolean): void;
}

export function createConnection(options: ConnectionOptions) {
  const { t } = options;
  const bin = createBin();
  const pill = part("connection");
  const announcer = part("announcer");
  const dot = el("span", { class: "dot", "aria-hidden": "true" });
  const words = el("span");
  const count = el("span");
  pill.append(dot, el("span", {}, words, count));

  const links: Links = {
    room: { kind: "connecting" },
    document: { kind: "connecting" },
    readOnly: false,
    longGone: false,
    everLive: false,
  };
  let blip: ReturnType<typeof setTimeout> | undefined;
  let calm: ReturnType<typeof setTimeout> | undefined;
  let shown: PillKey | null = null;
  let live: PillKey | null = null;

  function paint(key: PillKey): void {
    const told = toldOf(shown, key, live);
    if (told !== null) say(announcer, t(told));
    shown = key;
    if (LIVE.has(key)) live = key;
    set(pill, "data-link", key);
    say(words, t(key));
    paintCount();
  }

  function paintCount(): void {
    const here = shown !== null && LIVE.has(shown);
    say(count, here ? ` · ${t.count("here", options.peopleCount())}` : "");
  }

  function render(): void {
    const key = pillOf(links);
    clearTimeout(calm);
    if (shown === "saving" && key === "saved") calm = setTimeout(() => paint(key), CALM_MS);
    else paint(key);
    const code = endCode(links.room, links.document);
    if (code !== null) showEnd(options, code);
    show(pill, code === null);
  }

  function watchBlip(): void {
    const live = links.room.kind === "live" && links.document.kind === "live";
    if (live) {
      links.everLive = true;
      links.longGone = false;
      clearTimeout(blip);
      blip = undefined;
      return;
    }
    if (!navigator.onLine) links.longGone = true;
    blip ??= setTimeout(() => {
      links.longGone = true;
      render();
    }, BLIP_MS);
  }

  function update(change: Partial<Links>): void {
    Object.assign(links, change);
    watchBlip();
    render();
  }

  bin.listen(window, "online", () => options.onReconnect(true));
  bin.listen(window, "offline", () => {
    options.onReconnect(false);
    update({ longGone: true });
  });
  render();

  return {
    update,
    paintCount,
    dispose(): void {
      clearTimeout(blip);
      clearTimeout(calm);
      bin.dispose();
    },
  };
}

/** After these the copy in this browser holds what the server will not take. */
const NOT_TAKEN: ReadonlySet<number> = new Set([CLOSE_CODES.bad_update, CLOSE_CODES.read_only]);

interface End {
  text: Key;
  link: Key;
  href: string;
}

function endOf(code: number, homeUrl: string): End {
  switch (code) {
    case CLOSE_CODES.unauthenticated:
      return { text: "ended_session", link: "ended_session_link", href: location.href };
    case CLOSE_CODES.not_found:
      return { text: "ended_deleted", link: "ended_home", href: homeUrl };
    case CLOSE_CODES.revoked:
      return { text: "ended_access", link: "ended_home", href: homeUrl };
    case CLOSE_CODES.read_only:
      return { text: "ended_read_only", link: "ended_reload", href: location.href };
    default:
      return { text: "ended_update", link: "ended_reload", href: location.href };
  }
}

function showEnd({ t, homeUrl, startOver }: ConnectionOptions, code: number): void {
  const banner = part("banner");
  if (!banner.hidden || code === CLOSE_CODES.stale_epoch) return;
  const end = endOf(code, homeUrl);
  const link = el("a", { href: end.href, class: "button" }, t(end.link));
  link.addEventListener("click", (event) => {
    if (end.href !== location.href) return;
    event.preventDefault();
    if (NOT_TAKEN.has(code)) startOver();
    else location.reload();
  });
  banner.replaceChildren(el("p", {}, t(end.text)), link);
  show(banner, true);
}
