// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import * as Y from "yjs";

import { spanOf } from "../../static/src/room/carets";
import { counted, hindrance } from "../../static/src/room/desk";
import { rewrite } from "../../static/src/room/editor";
import { keyCommand, placeOf, type KeyPress } from "../../static/src/room/keys";
import { initials, readPresence } from "../../static/src/room/presence";
import { parseSeed, readSettings } from "../../static/src/room/settings";
import type { TakeView } from "../../static/src/protocol";
import { createTranslate } from "../../static/src/i18n";
import { noticeOf, reasonOf } from "../../static/src/room/stage_notice";
import { matchSuggestions } from "../../static/src/room/suggest";
import { clampFrame, frameAt, middleOf, minutes, timecode } from "../../static/src/room/timecode";
import { wavePath } from "../../static/src/room/waveform";
import { entered, offer, take } from "./samples";

describe("time code", () => {
  it("is minutes, seconds and the frame within the second", () => {
    expect(timecode(0, 24)).toBe("00:00.00");
    expect(timecode(80, 24)).toBe("00:03.08");
    expect(timecode(24 * 61 + 5, 24)).toBe("01:01.05");
    expect(timecode(7, 0)).toBe("00:00.00");
  });

  it("comes back from the middle of any frame", () => {
    for (const rate of [8, 24, 25, 30]) {
      for (let frame = 0; frame < 200; frame += 1) expect(frameAt(middleOf(frame, rate), rate, 200)).toBe(frame);
    }
  });

  it("stays within the clip", () => {
    expect([-3, 4, 99].map((frame) => clampFrame(frame, 25))).toEqual([0, 4, 24]);
    expect(frameAt(100, 8, 25)).toBe(24);
    expect(minutes(83.6)).toBe("1:24");
  });
});

describe("keys", () => {
  const press = (key: string, change: Partial<KeyPress> = {}): KeyPress => ({
    key,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    shiftKey: false,
    ...change,
  });

  it("are single on the page and rest while typing", () => {
    expect(keyCommand(press(" "), "page")).toBe("play");
    expect(keyCommand(press("K"), "page")).toBe("play");
    expect(keyCommand(press("?", { shiftKey: true }), "page")).toBe("help");
    for (const key of [" ", "k", "n", "ArrowLeft", "?"]) expect(keyCommand(press(key), "typing")).toBeNull();
  });

  it("leave Space to a focused control, and everything to a dialog", () => {
    expect(keyCommand(press(" "), "control")).toBeNull();
    expect(keyCommand(press("k"), "control")).toBe("play");
    expect(keyCommand(press("k"), "dialog")).toBeNull();
  });

  it("generate from anywhere with Control or Command and Enter", () => {
    expect(keyCommand(press("Enter", { ctrlKey: true }), "typing")).toBe("generate");
    expect(keyCommand(press("Enter", { metaKey: true }), "page")).toBe("generate");
    expect(keyCommand(press("Enter"), "typing")).toBeNull();
    expect(keyCommand(press("k", { ctrlKey: true }), "page")).toBeNull();
  });

  it("move the shot with Alt, Shift and the arrows", () => {
    expect(keyCommand(press("ArrowUp", { altKey: true, shiftKey: true }), "typing")).toBe("shot_up");
    expect(keyCommand(press("ArrowLeft", { altKey: true }), "page")).toBeNull();
  });

  it("know where they were pressed", () => {
    document.body.innerHTML =
      "<button></button><input><div contenteditable=true><b></b></div><dialog><input></dialog><p></p>";
    const place = (selector: string) => placeOf(document.querySelector(selector));
    expect(["button", "input", "b", "dialog input", "p"].map(place)).toEqual([
      "control",
      "typing",
      "typing",
      "dialog",
      "page",
    ]);
  });
});

describe("settings", () => {
  it("are completed from the offer", () => {
    expect(readSettings(null, offer)).toEqual({
      style: "",
      light: "",
      pace: "",
      size: "96x64",
      frames: 25,
      seed: null,
      quality: "draft",
    });
    const map = new Y.Doc().getMap<string | number | null>("settings");
    map.set("style", "neon");
    map.set("seed", 417);
    map.set("quality", "final");
    expect(readSettings(map, offer)).toMatchObject({ style: "neon", seed: 417, quality: "final" });
  });

  it("take the offer's size and length where the shot was made before there was an offer", () => {
    const map = new Y.Doc().getMap<string | number | null>("settings");
    for (const unknown of [null, 0]) {
      map.set("size", null);
      map.set("frames", unknown);
      expect(readSettings(map, offer)).toMatchObject({ size: "96x64", frames: 25 });
    }
  });

  it("take a whole seed within the limit, or none", () => {
    expect(["", " 417 ", "0"].map((typed) => parseSeed(typed, 1000))).toEqual([null, 417, 0]);
    expect(["-1", "1001", "1.5", "x", "9".repeat(40)].map((typed) => parseSeed(typed, 1000))).toEqual(
      Array(5).fill(undefined),
    );
  });
});

describe("the desk", () => {
  it("counts only near the limit, in characters as people count them", () => {
    expect(counted("a".repeat(10), 100)).toBeNull();
    expect(counted("🎬".repeat(95), 100)).toEqual({ key: "characters_left", n: 5 });
    expect(counted("a".repeat(101), 100)).toEqual({ key: "characters_over", n: 1 });
  });

  it("says what stands in the way of Generate", () => {
    const live = { ...entered(), link: { kind: "live" } } as const;
    expect(hindrance(live, true)).toBeNull();
    expect(hindrance(live, false)).toBe("prompt_waiting");
    expect(hindrance({ ...live, mayGenerate: false }, true)).toBe("cannot_generate");
    expect(hindrance(entered(), true)).toBe("not_connected");
  });

  it("rewrites only what differs", () => {
    const doc = new Y.Doc();
    const text = doc.getText("prompt");
    text.insert(0, "a red ball bounces");
    let touched = 0;
    text.observe(
      (event) =>
        (touched += event.changes.delta.reduce(
          (sum, one) => sum + (typeof one.insert === "string" ? one.insert.length : 0),
          0,
        )),
    );
    rewrite(text, "a blue ball bounces");
    expect(text.toString()).toBe("a blue ball bounces");
    expect(touched).toBeLessThan(6);
    rewrite(text, "");
    expect(text.toString()).toBe("");
  });

  it("offers what begins with the last words", () => {
    const known = ["a red ball", "a red ball bounces", "at sunset"];
    expect(matchSuggestions("look, a re", known)).toEqual({ length: 4, options: ["a red ball", "a red ball bounces"] });
    expect(matchSuggestions("a red ball at", known)).toEqual({ length: 2, options: ["at sunset"] });
    expect(matchSuggestions("a", known)).toBeNull();
    expect(matchSuggestions("nothing of it", known)).toBeNull();
  });
});

describe("presence", () => {
  it("reads what others send with care", () => {
    expect(readPresence(1, null)).toBeNull();
    expect(readPresence(1, { user: { id: "1", name: "Ana" } })).toBeNull();
    expect(readPresence(1, { user: { id: 1, name: "Ana", colour: 99 }, cursor: 7, shot: {} })).toEqual({
      clientId: 1,
      user: { id: 1, name: "Ana", colour: 3, role: "" },
      shot: null,
      cursor: null,
    });
  });

  it("finds a caret again after other edits, and no caret in nonsense", () => {
    const doc = new Y.Doc();
    const text = doc.getText("prompt");
    text.insert(0, "red ball");
    const at = (index: number) =>
      Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(text, index)) as unknown;
    const cursor = { shot: "a", anchor: at(4), head: at(8) };
    text.insert(0, "a ");
    expect(spanOf(text, cursor)).toEqual({ from: 6, to: 10, head: 10 });
    expect(spanOf(text, { shot: "a", anchor: "x", head: { item: 4 } })).toBeNull();
    expect(spanOf(doc.getText("other"), cursor)).toBeNull();
  });

  it("shortens names", () => {
    expect(["Ana Lopez", "Bo", " chi "].map(initials)).toEqual(["AL", "BO", "CH"]);
  });
});

describe("the stage", () => {
  const of = (view: ReturnType<typeof take> | null, alive = 1, pictures = false) =>
    noticeOf({ state: { ...entered(), workers: { alive, loading: 0, error: "" } }, take: view, pictures, broken: false });

  it("says why it is empty", () => {
    expect(of(null)).toBe("empty");
    expect(of(take("1"))).toBe("queued");
    expect(of(take("1"), 0)).toBe("idle");
    expect(of(take("1", { state: "running" }))).toBe("starting");
    expect(of(take("1", { state: "running" }), 1, true)).toBe("none");
    expect(of(take("1", { state: "failed" }))).toBe("failed");
  });

  it("tells a worker that loads its model from none, and why none can", () => {
    const kind = (loading: number, error: string, view: TakeView | null = take("1")) =>
      noticeOf({
        state: { ...entered(), workers: { alive: 0, loading, error } },
        take: view,
        pictures: false,
        broken: false,
      });
    expect([kind(0, "", null), kind(0, "the file ends early", null)]).toEqual(["empty", "unready"]);
    expect([kind(1, ""), kind(0, ""), kind(1, "the file ends early")]).toEqual(["warming", "idle", "idle"]);
  });

  it("says why a take failed in the reader's words, and in the worker's where there are none", () => {
    const french = createTranslate("fr");
    const failed = (error_code: string) =>
      reasonOf(french, take("1", { state: "failed", error_code, error_message: "as the worker put it" }));
    expect(failed("storage.full")).toMatch(/place/);
    expect(failed("model.broken")).toMatch(/modèle/);
    expect(failed("something.new")).toBe("as the worker put it");
  });

  it("draws a stroke a slice", () => {
    expect(wavePath([0, 255]).match(/M/g)).toHaveLength(2);
    expect(wavePath([])).toBe("");
  });
});
