import { describe, expect, it } from "vitest";

import { createTranslate } from "../../static/src/i18n";
import { en } from "../../static/src/i18n/en";
import { fr } from "../../static/src/i18n/fr";
import { factsOf } from "../../static/src/room/facts";
import { happenings } from "../../static/src/room/history";
import { heldUp, shotLine, takeState } from "../../static/src/room/wording";
import { entered, room, take } from "./samples";

const holes = (sentence: string): string[] => [...sentence.matchAll(/\{(\w+)\}/g)].map((hole) => hole[1] ?? "").sort();

describe("dictionaries", () => {
  it("have the same keys, none empty, with the same holes to fill", () => {
    expect(Object.keys(fr).sort()).toEqual(Object.keys(en).sort());
    for (const key of Object.keys(en) as (keyof typeof en)[]) {
      expect(fr[key], key).not.toBe("");
      expect(holes(fr[key]), key).toEqual(holes(en[key]));
    }
  });

  it("fill holes, count and order", () => {
    const t = createTranslate("en");
    expect(t("take_n", { n: 4 })).toBe("Take 4");
    expect([1, 2, 3, 4, 11, 22].map(t.place)).toEqual(["1st", "2nd", "3rd", "4th", "11th", "22nd"]);
    expect([t.count("line_takes", 1), t.count("line_takes", 3)]).toEqual(["1 take", "3 takes"]);
    const french = createTranslate("fr");
    expect([1, 2].map(french.place)).toEqual(["1re", "2e"]);
    expect([french.count("line_takes", 0), french.count("line_takes", 2)]).toEqual(["0 prise", "2 prises"]);
  });

  it("fall back to English for a language that is not there", () => {
    expect(createTranslate("de")("play")).toBe("Play");
  });
});

describe("the line of a shot", () => {
  const t = createTranslate("en");
  const line = (takes: Parameters<typeof take>[1][], workers = 1) =>
    shotLine(
      t,
      entered(
        room({
          takes: takes.map((change, index) => take(String(index), { number: index + 1, ...change })),
          workers: { alive: workers, loading: 0, error: "" },
        }),
      ),
      "a",
    ).text;

  it("tells how it stands", () => {
    expect(line([])).toBe("3.1 s · draft");
    expect(line([{ place: 2 }])).toBe("3.1 s · queued 2nd");
    expect(line([{ place: 2 }], 0)).toBe("3.1 s · waiting for a worker");
    expect(line([{ state: "running", step: 6, steps: 12 }])).toBe("step 6/12");
    expect(line([{ state: "done" }, { state: "done" }])).toBe("3.1 s · 2 takes");
    expect(line([{ state: "failed" }])).toBe("3.1 s · failed");
  });

  it("says that a take that is made waits for the storage", () => {
    const stalled = { state: "running", step: 12, steps: 12, attempt: 2, error_code: "storage.away" } as const;
    expect(line([stalled])).toBe("waits for the storage");
    expect(line([{ ...stalled, cancelling: true }])).toBe("stopping");
    expect(takeState(t, entered(), take("1", stalled))).toBe("waits for the storage");
    expect(heldUp(t, take("1", stalled))).toBe("made, waits for the storage: it does not answer");
    expect(heldUp(t, take("1", { ...stalled, cancelling: true }))).toBe("Stopping…");
    expect(heldUp(t, take("1", { ...stalled, error_code: "" }))).toBe("attempt 2 of 3");
    expect(heldUp(t, take("1", { state: "running" }))).toBe("");
  });

  it("says that a take is stopping", () => {
    expect(takeState(t, entered(), take("1", { state: "running", cancelling: true }))).toBe("stopping");
  });
});

describe("a take that nobody asked for", () => {
  const t = createTranslate("en");
  const came = take("1", { state: "done", requested_by: null, ended_at: "2026-11-22T11:59:59Z" });
  const state = entered(room({ takes: [came] }));

  it("is in the history when it is done, and nobody is named", () => {
    expect(happenings(t, state).map(({ who, text }) => who + text)).toEqual(["Take 1 of “Shot a” is done"]);
    const facts = factsOf(t, state, came).map(([name]) => name);
    expect(facts.filter((name) => name === "fact_by" || name === "fact_when")).toEqual([]);
  });

  it("is unlike one that somebody asked for", () => {
    const asked = take("2", { state: "done", ended_at: "2026-11-22T12:00:05Z" });
    const texts = happenings(t, entered(room({ takes: [asked] }))).map(({ who, text }) => `${who} ${text}`);
    expect(texts).toEqual([" Take 1 of “Shot a” is done", "Bo asked for take 1 of “Shot a”"]);
    expect(factsOf(t, state, asked)).toContainEqual(["fact_by", "Bo"]);
  });
});
