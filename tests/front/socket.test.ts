import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { NEW_SESSION_MS } from "../../static/src/closing";
import type { Outgoing } from "../../static/src/protocol";
import { createRoomSocket, retryDelayMs, Unanswered, type SocketState } from "../../static/src/socket";
import { room, welcome } from "./samples";

/** A WebSocket whose other end is the test. */
class Wire {
  static readonly all: Wire[] = [];
  readonly sent: Record<string, unknown>[] = [];
  readyState = 0;
  binaryType = "blob";
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;

  constructor(readonly url: string) {
    Wire.all.push(this);
  }

  send(text: string): void {
    if (this.readyState !== 1) throw new Error("sent before it was open");
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(): void {
    this.readyState = 3;
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  say(message: Outgoing | ArrayBuffer): void {
    this.onmessage?.({ data: message instanceof ArrayBuffer ? message : JSON.stringify(message) });
  }

  end(code: number): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }
}

function newest(): Wire {
  const wire = Wire.all.at(-1);
  if (wire === undefined) throw new Error("no socket was opened");
  return wire;
}

function setUp() {
  const events: number[] = [];
  const states: SocketState[] = [];
  const packets: ArrayBuffer[] = [];
  const socket = createRoomSocket({
    url: "ws://host/ws/rooms/p/",
    random: () => 1,
    open: (url) => new Wire(url) as unknown as WebSocket,
    handlers: {
      onEvent: (event) => events.push(event.seq),
      onNotice: () => undefined,
      onPacket: (data) => packets.push(data),
      onState: (state) => states.push(state),
    },
  });
  socket.connect();
  return { socket, events, states, packets };
}

function live() {
  const all = setUp();
  newest().open();
  newest().say(welcome());
  return all;
}

const event = (seq: number): Outgoing => ({ v: 1, seq, type: "project.renamed", title: `T${seq}` });
const reply = (id: string): Outgoing => ({ type: "reply", v: 1, id, error: null, take_id: null });

beforeEach(() => {
  vi.useFakeTimers();
  Wire.all.length = 0;
});
afterEach(() => vi.useRealTimers());

describe("the room socket", () => {
  it("says hello first and is live at the welcome", () => {
    const { states } = setUp();
    newest().open();
    expect(newest().sent).toEqual([{ type: "hello", v: 1 }]);
    newest().say(welcome());
    expect(states.at(-1)).toEqual({ kind: "live" });
  });

  it("can ask for the whole room again, and only while it is live", () => {
    const { socket } = live();
    socket.readAfresh();
    expect(newest().sent.at(-1)).toEqual({ type: "hello", v: 1 });
    const said = newest().sent.length;
    newest().end(1006);
    socket.readAfresh();
    expect(newest().sent).toHaveLength(said);
  });

  it("hands on events in order and drops what it has seen", () => {
    const { events } = live();
    for (const seq of [6, 7, 7, 5]) newest().say(event(seq));
    expect(events).toEqual([6, 7]);
  });

  it("asks for what it missed when a number is left out", () => {
    const { events } = live();
    newest().say(event(6));
    newest().say(event(8));
    expect(events).toEqual([6]);
    expect(Wire.all).toHaveLength(2);
    newest().open();
    expect(newest().sent).toEqual([{ type: "hello", v: 1, last_seq: 6 }]);
    newest().say(welcome(null));
    newest().say(event(7));
    newest().say(event(8));
    expect(events).toEqual([6, 7, 8]);
  });

  it("asks for the whole room when the replay has a gap too", () => {
    const { events } = live();
    newest().say(event(7));
    newest().open();
    newest().say(welcome(null));
    newest().say(event(7));
    newest().open();
    expect(newest().sent).toEqual([{ type: "hello", v: 1 }]);
    newest().say(welcome(room({ seq: 9 })));
    newest().say(event(10));
    expect(events).toEqual([10]);
  });

  it("ignores the socket that it gave up", () => {
    const { events } = live();
    const old = newest();
    old.say(event(8));
    old.say(event(6));
    expect(events).toEqual([]);
  });

  it("comes back after a loss, later each time, with the last number", () => {
    const { states } = live();
    newest().end(1006);
    expect(states.at(-1)).toEqual({ kind: "waiting", tries: 0 });
    vi.advanceTimersByTime(250);
    expect(Wire.all).toHaveLength(2);
    newest().end(1006);
    vi.advanceTimersByTime(250);
    expect(Wire.all).toHaveLength(2);
    vi.advanceTimersByTime(250);
    newest().open();
    expect(newest().sent).toEqual([{ type: "hello", v: 1, last_seq: 5 }]);
  });

  it("comes back at once when the network does", () => {
    const { socket } = live();
    socket.offline();
    socket.online();
    expect(Wire.all).toHaveLength(2);
    vi.advanceTimersByTime(60_000);
    expect(Wire.all).toHaveLength(2);
  });

  it.each([4403, 4404, 4409, 4400])("stays away after %i", (code) => {
    const { states } = live();
    newest().end(code);
    vi.advanceTimersByTime(60_000);
    expect(states.at(-1)).toEqual({ kind: "ended", code });
    expect(Wire.all).toHaveLength(1);
  });

  it.each([4408, 4410, 4429, 1011])("comes back after %i", (code) => {
    live();
    newest().end(code);
    vi.advanceTimersByTime(60_000);
    expect(Wire.all).toHaveLength(2);
  });

  it("asks for the whole room after it was too far behind", () => {
    live();
    newest().end(4408);
    vi.advanceTimersByTime(250);
    newest().open();
    expect(newest().sent).toEqual([{ type: "hello", v: 1 }]);
  });

  it("R-18: asks once more when its session has ended, because the person's other tab may have got a new one", () => {
    const { states } = live();
    newest().end(4401);
    expect(states.at(-1)?.kind).toBe("waiting");
    vi.advanceTimersByTime(NEW_SESSION_MS - 1);
    expect(Wire.all).toHaveLength(1);
    vi.advanceTimersByTime(1);
    newest().open();
    newest().say(welcome(null));
    expect(states.at(-1)).toEqual({ kind: "live" });
    newest().end(4401);
    expect(states.at(-1)?.kind).toBe("waiting");
  });

  it("R-18: ends when it is told twice that nobody is signed in", () => {
    const { states } = live();
    newest().end(4401);
    vi.advanceTimersByTime(NEW_SESSION_MS);
    newest().open();
    newest().end(4401);
    expect(states.at(-1)).toEqual({ kind: "ended", code: 4401 });
    vi.advanceTimersByTime(60_000);
    expect(Wire.all).toHaveLength(2);
  });

  it("R-18: does not forget that it was told so while the network is away", () => {
    const { states } = live();
    newest().end(4401);
    vi.advanceTimersByTime(NEW_SESSION_MS);
    newest().end(1006);
    vi.advanceTimersByTime(60_000);
    newest().end(4401);
    expect(states.at(-1)).toEqual({ kind: "ended", code: 4401 });
  });

  it("gives each reply to who asked", async () => {
    const { socket } = live();
    const first = socket.ask({ type: "shot.add", title: "One" });
    const second = socket.ask({ type: "shot.add", title: "Two" });
    newest().say(reply("c2"));
    newest().say(reply("c1"));
    expect((await first).id).toBe("c1");
    expect((await second).id).toBe("c2");
  });

  it("says that no answer will come when the connection is lost, late, or not there", async () => {
    const { socket } = live();
    const late = socket.ask({ type: "shot.add", title: "One" });
    const expectLate = expect(late).rejects.toThrow(Unanswered);
    vi.advanceTimersByTime(15_000);
    await expectLate;
    const lost = socket.ask({ type: "shot.add", title: "Two" });
    newest().end(1006);
    await expect(lost).rejects.toThrow(Unanswered);
    await expect(socket.ask({ type: "shot.add", title: "Three" })).rejects.toThrow(Unanswered);
  });

  it("passes packets on and gives their credit back", () => {
    const { socket, packets } = live();
    newest().say(new ArrayBuffer(4));
    socket.acknowledge(1);
    expect(packets).toHaveLength(1);
    expect(newest().sent.at(-1)).toEqual({ type: "preview.ack", v: 1, count: 1 });
  });
});

describe("the time until the next try", () => {
  it("doubles up to a limit and is spread over its upper half", () => {
    expect(retryDelayMs(0, 1)).toBe(250);
    expect(retryDelayMs(2, 1)).toBe(1000);
    expect(retryDelayMs(2, 0)).toBe(500);
    expect(retryDelayMs(30, 1)).toBe(8000);
  });
});
