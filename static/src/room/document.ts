/** The Yjs document of the project: one connection, a copy in this browser, and what is known to be durable. */
import { readVarUint, type Decoder } from "lib0/decoding";
import { createEncoder, toUint8Array, writeVarUint, writeVarUint8Array } from "lib0/encoding";
import { deleteDB } from "lib0/indexeddb";
import { IndexeddbPersistence } from "y-indexeddb";
import { encodeAwarenessUpdate, removeAwarenessStates, type Awareness } from "y-protocols/awareness";
import { messageAwareness, WebsocketProvider } from "y-websocket";
import * as Y from "yjs";

import { createClosing, NEW_SESSION_MS } from "../closing";
import { createBin } from "../dom";
import { socketUrl, type PageData } from "../page";
import { CLOSE_CODES } from "../protocol";
import { carriesEdits, isSaved, NOTHING_SENT, reduceSaved, type SavedAction, type SavedState } from "./saved";

export type Setting = string | number | null;
export type ShotText = Y.Text;
export type ShotSettings = Y.Map<Setting>;
type Shots = Y.Map<Y.Map<Y.Text | ShotSettings>>;

export type DocumentState =
  { kind: "connecting" } | { kind: "live"; saved: boolean } | { kind: "waiting" } | { kind: "ended"; code: number };

/** Sent by the server after each durable commit: how many of this connection's sync frames are safe. */
const MESSAGE_DURABLE = 100;
const LONGEST_DELAY_MS = 5_000;
/** Without a copy that can be read the page goes on as if there were none. */
const LONGEST_READING_MS = 1_000;
const LOOKS_ONLY: ReadonlySet<string> = new Set(["viewer", "reviewer"]);
/** Another tab that does not let go of the copy. */
const LONGEST_DELETION_MS = 3_000;

export interface DocumentOptions {
  page: PageData;
  onState(state: DocumentState): void;
}

export function createSharedDocument({ page, onState }: DocumentOptions) {
  const bin = createBin();
  const doc = new Y.Doc();
  const shots: Shots = doc.getMap("shots");
  const copy = new IndexeddbPersistence(copyName(page), doc);
  let saved: SavedState = NOTHING_SENT;
  let state: DocumentState = { kind: "connecting" };
  const closing = createClosing();
  let later: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;

  function become(next: DocumentState): void {
    if (state.kind === "ended") return;
    state = next;
    onState(next);
  }

  function track(action: SavedAction): void {
    saved = reduceSaved(saved, action);
    // An open socket whose document has not come yet is not live: there is nothing to read or to write in.
    if (saved.synced) become({ kind: "live", saved: isSaved(saved) });
  }

  const provider = new WebsocketProvider(socketUrl(page.doc_socket), "doc", doc, {
    params: { epoch: String(page.doc_epoch), acks: "1" },
    connect: false,
    disableBc: true,
    maxBackoffTime: LONGEST_DELAY_MS,
    WebSocketPolyfill: countingSocket(track),
  });
  provider.messageHandlers[MESSAGE_DURABLE] = (_encoder: unknown, decoder: Decoder) => {
    track({ type: "durable", count: readVarUint(decoder) });
  };
  provider.on("sync", (synced) => {
    if (!synced) return;
    closing.admitted();
    track({ type: "synced" });
  });
  provider.on("connection-close", (event) => {
    saved = reduceSaved(saved, { type: "closed" });
    closed(event?.code ?? 1006);
  });
  provider.on("status", ({ status }) => {
    if (stopped && status === "connected") provider.disconnect();
  });
  sendOnlyOwnAwareness(provider);

  function closed(code: number): void {
    if (code === CLOSE_CODES.stale_epoch) void startOver(copy);
    const read = closing.read(code);
    if (read !== "passing") provider.shouldConnect = false;
    if (read === "doubted") later = setTimeout(() => provider.connect(), NEW_SESSION_MS);
    become(read === "final" ? { kind: "ended", code } : { kind: "waiting" });
  }

  function disconnect(): void {
    clearTimeout(later);
    provider.disconnect();
  }

  function stop(): void {
    stopped = true;
    clearTimeout(later);
    provider.shouldConnect = false;
    // One that is being opened is closed once it is open: of a socket that is closed before, browsers warn.
    if (!provider.wsconnecting) provider.disconnect();
  }

  bin.listen(window, "online", () => {
    if (state.kind === "waiting" && !stopped) provider.connect();
  });
  bin.listen(window, "offline", () => {
    if (stopped || (state.kind !== "waiting" && !provider.wsconnected)) return;
    disconnect(); // a socket without a network may take minutes to notice
    provider.connect();
  });
  bin.listen(window, "pagehide" as "click", () => {
    removeAwarenessStates(provider.awareness, [doc.clientID], "local");
  });
  // Another tab drops it: what is written here from then on is kept by the server alone.
  copy._db
    .then((kept) => kept.addEventListener("versionchange", () => void copy.destroy()))
    .catch(() => undefined);
  // Not before the copy has been read: whoever only looks would be heard to say it, as if they had written it.
  void Promise.race([copy.whenSynced, wait(LONGEST_READING_MS)]).then(() => {
    if (!copy.synced && LOOKS_ONLY.has(page.role)) copy.destroy().catch(() => undefined);
    if (!stopped) provider.connect();
  });

  return {
    doc,
    awareness: provider.awareness as Awareness,
    text: (shotId: string): ShotText | null => typed(shots.get(shotId)?.get("prompt"), Y.Text),
    settings: (shotId: string): ShotSettings | null =>
      typed(shots.get(shotId)?.get("settings"), Y.Map) as ShotSettings | null,
    /** Called when anything of any shot changed, once a transaction. */
    observe(listener: () => void): () => void {
      shots.observeDeep(listener);
      return () => shots.unobserveDeep(listener);
    },
    /** Drop this browser's copy and load the page again: what the server refused must not be sent once more. */
    startOver: (): void => void startOver(copy),
    /** Stop sending: the room socket learnt that this person may not go on here. */
    stop,
    dispose(): void {
      stop();
      bin.dispose();
      provider.destroy();
      void copy.destroy();
      doc.destroy();
    },
  };
}
export type SharedDocument = ReturnType<typeof createSharedDocument>;

/** By person too: what somebody wrote offline must not be sent as the words of whoever signs in next. */
function copyName(page: PageData): string {
  return `rushes:${page.project_id}:${page.doc_epoch}:${page.you.id}`;
}

function typed<T>(value: unknown, kind: abstract new (...parts: never[]) => T): T | null {
  return value instanceof kind ? value : null;
}

/**
 * What this browser kept belongs to another history, or is not taken: drop it and load the page again. The copy's own
 * ``clearData`` does not wait until it is gone, and a page that is left may take the wish with it.
 */
async function startOver(copy: IndexeddbPersistence): Promise<void> {
  const dropped = copy.destroy().then(() => deleteDB(copy.name));
  await Promise.race([dropped.catch(() => undefined), wait(LONGEST_DELETION_MS)]);
  location.reload();
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A WebSocket that tells when it opens and when a frame with edits leaves. */
function countingSocket(track: (action: SavedAction) => void): typeof WebSocket {
  return class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      this.addEventListener("open", () => track({ type: "opened" }));
    }

    override send(data: Parameters<WebSocket["send"]>[0]): void {
      // The provider goes on between a close and its event; what it says then, it says again when it is back.
      if (this.readyState !== WebSocket.OPEN) return;
      if (data instanceof Uint8Array && carriesEdits(data)) track({ type: "sent" });
      super.send(data);
    }
  };
}

/** The provider repeats everybody's presence to the server, which wants one client id a connection. */
function sendOnlyOwnAwareness(provider: WebsocketProvider): void {
  const { awareness } = provider;
  awareness.off("update", provider._awarenessUpdateHandler);
  awareness.on("update", (_changes: unknown, origin: unknown) => {
    if (origin !== "local" || provider.ws === null || !provider.wsconnected) return;
    const encoder = createEncoder();
    writeVarUint(encoder, messageAwareness);
    writeVarUint8Array(encoder, encodeAwarenessUpdate(awareness, [provider.doc.clientID]));
    provider.ws.send(toUint8Array(encoder));
  });
}
