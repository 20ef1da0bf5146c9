import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { decodePacket, PacketError, pictureAt } from "../../static/src/frames";

const FOLDER = join(import.meta.dirname, "..", "fixtures", "wire");

interface Sample {
  error?: string;
  take_id: string;
  attempt: number;
  step: number;
  steps: number;
  clip_frames: number;
  rate_hz: number;
  width: number;
  height: number;
  left_ms: number;
  frames: { index: number; jpeg_hex: string }[];
}

function bytes(name: string): ArrayBuffer {
  return new Uint8Array(readFileSync(join(FOLDER, `${name}.bin`))).buffer;
}

function sample(name: string): Sample {
  return JSON.parse(readFileSync(join(FOLDER, `${name}.json`), "utf8")) as Sample;
}

const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".bin"))
  .map((file) => file.slice(0, -4));

describe("preview packets", () => {
  it("has golden samples to read, good and bad", () => {
    expect(names.some((name) => sample(name).error === undefined)).toBe(true);
    expect(names.some((name) => sample(name).error !== undefined)).toBe(true);
  });

  it.each(names.filter((name) => sample(name).error === undefined))(
    "reads the sample %s as Python wrote it",
    (name) => {
      const packet = decodePacket(bytes(name));
      const frames = packet.frames.map((frame) => ({
        index: frame.index,
        jpeg_hex: Buffer.from(frame.jpeg).toString("hex"),
      }));
      expect({
        take_id: packet.takeId,
        attempt: packet.attempt,
        step: packet.step,
        steps: packet.steps,
        clip_frames: packet.clipFrames,
        rate_hz: packet.rateHz,
        width: packet.width,
        height: packet.height,
        left_ms: packet.leftMs,
        frames,
      }).toEqual(sample(name));
    },
  );

  it.each(names.filter((name) => sample(name).error !== undefined))("refuses the sample %s", (name) => {
    expect(() => decodePacket(bytes(name))).toThrow(PacketError);
  });
});

describe("the loop of previews", () => {
  it("holds a picture until the next one's time", () => {
    expect([0, 2, 3, 5, 6, 24].map((at) => pictureAt([0, 3, 6], at))).toEqual([0, 0, 1, 1, 2, 2]);
  });

  it("shows the first picture before its time", () => {
    expect(pictureAt([4, 8], 1)).toBe(0);
  });
});
