import { describe, expect, it } from "vitest";

import type { Outgoing, TakeView } from "../../static/src/protocol";
import { progressOf, shotSeconds, shownTake, standingTake } from "../../static/src/room/select";
import { reduce, type RoomState } from "../../static/src/room/state";
import { ana, entered, room, shot, take, welcome } from "./samples";

const AT = "2026-11-22T12:30:00Z";
type Numbered = Extract<Outgoing, { seq: number }>;

function happen(state: RoomState, event: Numbered): RoomState {
  return reduce(state, { type: "event", event, at: AT });
}

function changed(
  state: RoomState,
  type: "take.queued" | "take.started" | "take.done" | "take.retried",
  view: TakeView,
): RoomState {
  return happen(state, { v: 1, seq: 6, type, take: view });
}

describe("entering a room", () => {
  it("orders the shots and selects the first", () => {
    const state = entered();
    expect(state.shots.map((one) => one.id)).toEqual(["a", "b"]);
    expect(state.shotId).toBe("a");
  });

  it("keeps the shot that the address names", () => {
    expect(entered(room(), "b").shotId).toBe("b");
  });

  it("selects the first shot when the address names none of this room", () => {
    expect(entered(room(), "gone").shotId).toBe("a");
  });

  it("takes rights but no room from a welcome that a replay follows", () => {
    const state = reduce(entered(), { type: "notice", notice: { ...welcome(null), role: "viewer", may_edit: false } });
    expect(state.mayEdit).toBe(false);
    expect(state.shots).toHaveLength(2);
  });
});

describe("a server that is newer than the page", () => {
  it("tells of what this page does not know, and nothing is lost by it", () => {
    const before = entered();
    const event = { v: 1, seq: 6, type: "shot.painted" } as unknown as Numbered;
    expect(happen(before, event)).toEqual(before);
    const notice = { type: "notice", notice: { v: 1, type: "weather" } } as unknown as Parameters<typeof reduce>[1];
    expect(reduce(before, notice)).toEqual(before);
  });
});

describe("the take on stage", () => {
  it("is the running one, then the picked one, then the newest done", () => {
    const done = [take("1", { state: "done" }), take("2", { state: "done", number: 2 })];
    expect(shownTake(entered(room({ takes: done })), "a")?.id).toBe("2");
    const picked = room({ takes: done, shots: [shot("a", 0, "1")] });
    expect(shownTake(entered(picked), "a")?.id).toBe("1");
    expect(standingTake(entered(picked), "a")?.id).toBe("1");
    const running = room({ takes: [...done, take("3", { state: "running", number: 3 })] });
    expect(shownTake(entered(running), "a")?.id).toBe("3");
  });

  it("goes on with a take that was watched when it ends, though another is picked", () => {
    const state = entered(
      room({
        takes: [take("1", { state: "done" }), take("2", { state: "running", number: 2 })],
        shots: [shot("a", 0, "1")],
      }),
    );
    expect(shownTake(changed(state, "take.done", take("2", { state: "done", number: 2 })), "a")?.id).toBe("2");
  });

  it("moves to another person's new take for whoever watches the newest", () => {
    const state = entered(room({ takes: [take("1", { state: "done" })] }));
    expect(shownTake(changed(state, "take.queued", take("2", { number: 2 })), "a")?.id).toBe("2");
  });

  it("stays with an older take that somebody studies when others generate", () => {
    const takes = [take("1", { state: "done" }), take("2", { state: "done", number: 2 })];
    const studying = reduce(entered(room({ takes })), { type: "take", takeId: "1" });
    expect(shownTake(changed(studying, "take.queued", take("3", { number: 3 })), "a")?.id).toBe("1");
    const mine = take("3", { number: 3, requested_by: ana });
    expect(shownTake(changed(studying, "take.queued", mine), "a")?.id).toBe("3");
  });
});

describe("events", () => {
  it("select a neighbour when the selected shot is deleted", () => {
    const state = happen(entered(room(), "b"), { v: 1, seq: 6, type: "shot.deleted", shots: [shot("a", 0)] });
    expect(state.shotId).toBe("a");
    expect(state.log).toEqual([{ at: AT, kind: "shot_deleted", title: "Shot b" }]);
  });

  it("pick and rename", () => {
    const picked = happen(entered(room({ takes: [take("1")] })), {
      v: 1,
      seq: 6,
      type: "take.picked",
      shot_id: "a",
      take_id: "1",
    });
    expect(picked.shots[0]?.picked_take_id).toBe("1");
    expect(happen(picked, { v: 1, seq: 7, type: "project.renamed", title: "New" }).title).toBe("New");
  });

  it("note another attempt", () => {
    const state = changed(entered(), "take.retried", take("1", { attempt: 1 }));
    expect(state.log).toEqual([{ at: AT, kind: "retried", shotId: "a", number: 1, attempt: 2 }]);
  });

  it("move places only of takes that wait", () => {
    const takes = [take("1"), take("2", { state: "done", place: 0 })];
    const state = reduce(entered(room({ takes })), {
      type: "notice",
      notice: { type: "queue.moved", v: 1, places: { 1: 4, 2: 9 } },
    });
    expect(state.takes["1"]?.place).toBe(4);
    expect(state.takes["2"]?.place).toBe(0);
  });
});

describe("progress", () => {
  const progress = { "1": { attempt: 1, step: 5, steps: 12, leftMs: 900 } };

  it("comes from previews", () => {
    const state = reduce(entered(), { type: "progress", progress });
    expect(progressOf(state, take("1", { state: "running", step: 2, steps: 12 })).step).toBe(5);
  });

  it("of an earlier attempt does not count", () => {
    const state = reduce(entered(), { type: "progress", progress });
    expect(progressOf(state, take("1", { state: "running", attempt: 2, step: 1, steps: 12 })).step).toBe(1);
  });
});

describe("the length of a shot", () => {
  it("is that of its standing take, else what its settings ask for, else the offer's first", () => {
    expect(shotSeconds(entered(), "a")).toBeCloseTo(3.125);
    const planned = reduce(entered(), { type: "planned", planned: { a: 16 } });
    expect(shotSeconds(planned, "a")).toBe(2);
    expect(shotSeconds(changed(planned, "take.done", take("1", { state: "done", frames: 8 })), "a")).toBe(1);
  });
});
