import { describe, expect, it } from "vitest";

import { endCode, pillOf, toldOf, type Links } from "../../static/src/room/connection";
import { carriesEdits, isSaved, NOTHING_SENT, reduceSaved, type SavedAction } from "../../static/src/room/saved";

function after(...actions: SavedAction[]) {
  return reduceSequence(actions);
}

function reduceSequence(actions: SavedAction[]) {
  return actions.reduce(reduceSaved, NOTHING_SENT);
}

const opened: SavedAction = { type: "opened" };
const synced: SavedAction = { type: "synced" };
const sent: SavedAction = { type: "sent" };
const durable = (count: number): SavedAction => ({ type: "durable", count });

describe("a document is saved", () => {
  it("when the server has everything and said that it is durable", () => {
    expect(isSaved(after(opened, sent, synced, durable(1)))).toBe(true);
  });

  it("not before the first answer to the server is durable: it may hold offline edits", () => {
    expect(isSaved(after(opened, synced))).toBe(false);
    expect(isSaved(after(opened, sent, synced))).toBe(false);
  });

  it("not while an edit is on its way", () => {
    expect(isSaved(after(opened, sent, synced, durable(1), sent))).toBe(false);
    expect(isSaved(after(opened, sent, synced, durable(1), sent, sent, durable(2)))).toBe(false);
    expect(isSaved(after(opened, sent, synced, durable(1), sent, sent, durable(3)))).toBe(true);
  });

  it("not without a connection, and counts anew on the next", () => {
    expect(isSaved(after(opened, sent, synced, durable(1), { type: "closed" }))).toBe(false);
    expect(isSaved(after(opened, sent, synced, durable(1), { type: "closed" }, opened, sent, synced))).toBe(false);
  });

  it("counts as the server does: step 2 and updates, not step 1 nor awareness", () => {
    expect([0, 1, 2].map((kind) => carriesEdits(new Uint8Array([0, kind, 0])))).toEqual([false, true, true]);
    expect(carriesEdits(new Uint8Array([1, 2, 0]))).toBe(false);
  });
});

describe("the connection pill", () => {
  const live: Links = {
    room: { kind: "live" },
    document: { kind: "live", saved: true },
    readOnly: false,
    longGone: false,
    everLive: true,
  };

  it("says saved only when the document is", () => {
    expect(pillOf(live)).toBe("saved");
    expect(pillOf({ ...live, document: { kind: "live", saved: false } })).toBe("saving");
    expect(pillOf({ ...live, document: { kind: "waiting" } })).toBe("reconnecting");
  });

  it("tells a first connection, a blip and a long absence apart", () => {
    const waiting = { ...live, room: { kind: "waiting", tries: 1 } } as const;
    expect(pillOf({ ...waiting, everLive: false })).toBe("connecting");
    expect(pillOf(waiting)).toBe("reconnecting");
    expect(pillOf({ ...waiting, longGone: true })).toBe("offline");
  });

  it("says read only to who may not edit", () => {
    expect(pillOf({ ...live, readOnly: true })).toBe("read_only");
  });

  it("is said aloud when a connection or a role changes, not at every key", () => {
    expect(toldOf(null, "connecting", null)).toBeNull();
    expect(toldOf("connecting", "saved", null)).toBeNull();
    expect(toldOf("saved", "saving", "saved")).toBeNull();
    expect(toldOf("saved", "reconnecting", "saved")).toBe("reconnecting");
    expect(toldOf("reconnecting", "saved", "saved")).toBe("saved");
    expect(toldOf("connecting", "read_only", null)).toBe("read_only");
    expect(toldOf("read_only", "read_only", "read_only")).toBeNull();
    expect(toldOf("read_only", "saving", "read_only")).toBe("may_edit");
    expect(toldOf("reconnecting", "saved", "read_only")).toBe("may_edit");
    expect(toldOf("saved", "read_only", "saved")).toBe("read_only");
  });

  it("ends when either socket ends", () => {
    expect(endCode(live.room, live.document)).toBeNull();
    expect(endCode({ kind: "ended", code: 4401 }, live.document)).toBe(4401);
    expect(endCode(live.room, { kind: "ended", code: 4403 })).toBe(4403);
  });
});
