// @vitest-environment happy-dom
import { createEncoder, toUint8Array, writeVarUint } from "lib0/encoding";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { writeSyncStep2 } from "y-protocols/sync";
import * as Y from "yjs";

import { NEW_SESSION_MS } from "../../static/src/closing";
import type { PageData } from "../../static/src/page";
import { createSharedDocument, type DocumentState } from "../../static/src/room/document";

let copyIsRead: () => void = () => undefined;
let kept = new EventTarget();
let destroyed = 0;

vi.mock("y-indexeddb", () => ({
  IndexeddbPersistence: class {
    whenSynced = new Promise<void>((resolve) => (copyIsRead = resolve));
    _db = Promise.resolve(kept);
    destroy(): Promise<void> {
      destroyed += 1;
      return Promise.resolve();
    }
  },
}));

/** A WebSocket whose other end is the test. */
class Wire extends EventTarget {
  static readonly OPEN = 1;
  static all: Wire[] = [];
  readonly OPEN = 1;
  readyState = 0;
  binaryType = "blob";
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: ArrayBuffer }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onerror: (() => void) | null = null;

  constructor(readonly url: string) {
    super();
    Wire.all.push(this);
  }

  send(): void {}

  close(): void {
    this.readyState = 3;
  }

  open(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
    this.onopen?.();
  }

  /** Opens, and answers with a document that has nothing in it. */
  admit(): void {
    this.open();
    const encoder = createEncoder();
    writeVarUint(encoder, 0);
    writeSyncStep2(encoder, new Y.Doc());
    this.onmessage?.({ data: new Uint8Array(toUint8Array(encoder)).buffer });
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

const page = { project_id: "p", doc_socket: "/ws/rooms/p", doc_epoch: 1, you: { id: 1 } } as PageData;

function create() {
  const states: DocumentState[] = [];
  const shared = createSharedDocument({ page, onState: (state) => states.push(state) });
  made.push(shared);
  return { shared, states };
}

async function live() {
  const created = create();
  copyIsRead();
  await vi.advanceTimersByTimeAsync(0);
  newest().admit();
  return created;
}

const made: { dispose(): void }[] = [];
beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Wire);
  Wire.all = [];
  kept = new EventTarget();
  destroyed = 0;
});
afterEach(() => {
  for (const shared of made.splice(0)) shared.dispose();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("the document's socket", () => {
  it("is live once the server has answered", async () => {
    const { states } = await live();
    expect(states.at(-1)?.kind).toBe("live");
  });

  it("is not live while nothing has come through it, and is opened anew when the network goes meanwhile", async () => {
    const { states } = create();
    copyIsRead();
    await vi.advanceTimersByTimeAsync(0);
    const first = newest();
    first.open();
    expect(states).toEqual([]);
    window.dispatchEvent(new Event("offline"));
    expect(first.readyState).toBe(3);
    expect(Wire.all).toHaveLength(2);
  });

  it("lets go of this browser's copy when another tab drops it", async () => {
    await live();
    expect(destroyed).toBe(0);
    kept.dispatchEvent(new Event("versionchange"));
    expect(destroyed).toBe(1);
  });

  it("waits until this browser's copy has been read, which is not said as if it had just been written", async () => {
    create();
    await vi.advanceTimersByTimeAsync(900);
    expect(Wire.all).toHaveLength(0);
    copyIsRead();
    await vi.advanceTimersByTimeAsync(0);
    expect(Wire.all).toHaveLength(1);
  });

  it("opens without a copy that cannot be read", async () => {
    create();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(Wire.all).toHaveLength(1);
  });

  it("does not open when it was stopped before the copy was read", async () => {
    create().shared.stop();
    copyIsRead();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(Wire.all).toHaveLength(0);
  });

  const comeAndGo = () => ["offline", "online"].forEach((type) => window.dispatchEvent(new Event(type)));

  it("is not opened by a network that comes and goes before the copy was read", () => {
    create();
    comeAndGo();
    expect(Wire.all).toHaveLength(0);
  });

  it("stays away once it is stopped, also when the network comes and goes", async () => {
    const { shared } = await live();
    shared.stop();
    comeAndGo();
    expect(Wire.all).toHaveLength(1);
  });

  it("is closed when it has opened, not before, where it is stopped meanwhile", async () => {
    const { shared } = create();
    copyIsRead();
    await vi.advanceTimersByTimeAsync(0);
    shared.stop();
    expect(newest().readyState).toBe(0);
    newest().admit();
    expect(newest().readyState).toBe(3);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(Wire.all).toHaveLength(1);
  });

  it("comes back after a loss", async () => {
    const { states } = await live();
    newest().end(1006);
    expect(states.at(-1)).toEqual({ kind: "waiting" });
    vi.advanceTimersByTime(1_000);
    expect(Wire.all).toHaveLength(2);
  });

  it("R-18: asks once more when its session has ended, because the person's other tab may have got a new one", async () => {
    const { states } = await live();
    newest().end(4401);
    expect(states.at(-1)).toEqual({ kind: "waiting" });
    vi.advanceTimersByTime(NEW_SESSION_MS - 1);
    expect(Wire.all).toHaveLength(1);
    vi.advanceTimersByTime(1);
    newest().admit();
    expect(states.at(-1)?.kind).toBe("live");
    newest().end(4401);
    expect(states.at(-1)).toEqual({ kind: "waiting" });
  });

  it("R-18: ends when it is told twice that nobody is signed in", async () => {
    const { states } = await live();
    newest().end(4401);
    vi.advanceTimersByTime(NEW_SESSION_MS);
    newest().end(4401);
    expect(states.at(-1)).toEqual({ kind: "ended", code: 4401 });
    vi.advanceTimersByTime(60_000);
    expect(Wire.all).toHaveLength(2);
  });

  it("stays away once it is stopped, also from asking once more", async () => {
    const { shared } = await live();
    newest().end(4401);
    shared.stop();
    vi.advanceTimersByTime(60_000);
    expect(Wire.all).toHaveLength(1);
  });

  it("stays away once it is stopped while it is live", async () => {
    const { shared } = await live();
    shared.stop();
    vi.advanceTimersByTime(60_000);
    expect(Wire.all).toHaveLength(1);
  });
});
