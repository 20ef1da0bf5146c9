/** The room socket: hello, numbered events without gaps, replies as promises, reconnection, credits. */
import { createClosing, NEW_SESSION_MS } from "./closing";
import { CLOSE_CODES, VERSION, type Incoming, type Outgoing, type Reply, type Welcome } from "./protocol";

type Event = Extract<Outgoing, { seq: number }>;
type Notice = Exclude<Outgoing, Event | Reply>;
type WithoutId<T> = T extends { id: string } ? Omit<T, "id" | "v"> : never;
/** A command without its number; the socket gives it one. */
export type Command = WithoutId<Incoming>;

export type SocketState =
  { kind: "connecting" } | { kind: "live" } | { kind: "waiting"; tries: number } | { kind: "ended"; code: number };

export interface SocketHandlers {
  onEvent(event: Event): void;
  onNotice(notice: Notice): void;
  onPacket(data: ArrayBuffer): void;
  onState(state: SocketState): void;
}

export interface SocketOptions {
  url: string;
  handlers: SocketHandlers;
  open?: (url: string) => WebSocket;
  random?: () => number;
}

/** A command that got no answer; asking again with the same key is harmless. */
export class Unanswered extends Error {}

const OPEN = 1; // WebSocket.OPEN
const REPLY_TIMEOUT_MS = 15_000;
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 8_000;

/** Doubles with each try and is spread over its upper half, so that a room does not come back in one instant. */
export function retryDelayMs(tries: number, random: number): number {
  const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** tries);
  return Math.round(ceiling * (0.5 + random / 2));
}

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: Error): void;
  timer: ReturnType<typeof setTimeout>;
}

export function createRoomSocket(options: SocketOptions) {
  const { url, handlers } = options;
  const open = options.open ?? ((address: string) => new WebSocket(address));
  const random = options.random ?? Math.random;
  const closing = createClosing();
  const waiting = new Map<string, Waiting>();
  let socket: WebSocket | null = null;
  let state: SocketState = { kind: "connecting" };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let tries = 0;
  let lastSeq: number | null = null;
  let commands = 0;
  let disposed = false;

  function become(next: SocketState): void {
    state = next;
    handlers.onState(next);
  }

  function connect(): void {
    clearTimeout(timer);
    if (disposed || socket !== null) return;
    const mine = open(url);
    mine.binaryType = "arraybuffer";
    socket = mine;
    mine.onopen = () =>
      write(lastSeq === null ? { type: "hello", v: VERSION } : { type: "hello", v: VERSION, last_seq: lastSeq });
    mine.onmessage = (message: MessageEvent<string | ArrayBuffer>) => {
      if (mine === socket) receive(message.data);
    };
    mine.onclose = (event) => {
      if (mine === socket) closed(event.code);
    };
  }

  function write(message: Incoming): void {
    socket?.send(JSON.stringify(message));
  }

  function receive(data: string | ArrayBuffer): void {
    if (typeof data !== "string") {
      handlers.onPacket(data);
      return;
    }
    const message = JSON.parse(data) as Outgoing;
    if ("seq" in message) receiveEvent(message);
    else if (message.type === "reply") settle(message);
    else if (message.type === "welcome") welcome(message);
    else handlers.onNotice(message);
  }

  function welcome(message: Welcome): void {
    if (message.room !== null) lastSeq = message.room.seq;
    tries = 0;
    closing.admitted();
    handlers.onNotice(message);
    become({ kind: "live" });
  }

  function receiveEvent(event: Event): void {
    if (lastSeq !== null && event.seq <= lastSeq) return;
    if (lastSeq === null || event.seq !== lastSeq + 1) {
      resync();
      return;
    }
    lastSeq = event.seq;
    handlers.onEvent(event);
  }

  /** An event is missing: ask again from the last one seen, and for everything when that did not help. */
  let gapAt: number | null = null;
  function resync(): void {
    if (lastSeq === gapAt) lastSeq = null;
    gapAt = lastSeq;
    drop();
    become({ kind: "connecting" });
    connect();
  }

  function settle(reply: Reply): void {
    const asked = waiting.get(reply.id);
    if (asked === undefined) return;
    waiting.delete(reply.id);
    clearTimeout(asked.timer);
    asked.resolve(reply);
  }

  /** Forget the socket; whoever waits for a reply learns that none will come. */
  function drop(): void {
    const old = socket;
    socket = null;
    for (const [id, asked] of [...waiting]) {
      waiting.delete(id);
      clearTimeout(asked.timer);
      asked.reject(new Unanswered("closed"));
    }
    if (old !== null && old.readyState <= OPEN) old.close();
  }

  function closed(code: number): void {
    drop();
    // What was missed is more than this connection bears: the room as it is now is less.
    if (code === CLOSE_CODES.too_slow) lastSeq = null;
    const read = closing.read(code);
    if (read === "final") {
      become({ kind: "ended", code });
      return;
    }
    become({ kind: "waiting", tries });
    timer = setTimeout(connect, read === "doubted" ? NEW_SESSION_MS : retryDelayMs(tries, random()));
    tries += 1;
  }

  function ask(command: Command): Promise<Reply> {
    if (state.kind !== "live") return Promise.reject(new Unanswered("not connected"));
    commands += 1;
    const id = `c${commands}`;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        waiting.delete(id);
        reject(new Unanswered("timeout"));
      }, REPLY_TIMEOUT_MS);
      waiting.set(id, { resolve, reject, timer: late });
      write({ ...command, id, v: VERSION } as Incoming);
    });
  }

  return {
    connect,
    ask,
    /** Ask for the whole room again, as the welcome of a newcomer. */
    readAfresh(): void {
      if (state.kind === "live") write({ type: "hello", v: VERSION });
    },
    /** Give back credit for previews that were taken in. */
    acknowledge(count: number): void {
      if (state.kind === "live") write({ type: "preview.ack", v: VERSION, count });
    },
    /** The network is back, or gone: do not wait for a timer. */
    online(): void {
      if (state.kind === "waiting") connect();
    },
    offline(): void {
      if (state.kind === "ended" || socket === null) return;
      closed(1006);
    },
    dispose(): void {
      disposed = true;
      clearTimeout(timer);
      drop();
    },
  };
}
export type RoomSocket = ReturnType<typeof createRoomSocket>;
