/** Preview pictures drawn into a canvas at their right times, over and over. */
import { pictureAt } from "../frames";
import { calmMotion, type Playable } from "./playable";
import type { Pictures, Previews } from "./preview";
import { clampFrame } from "./timecode";

export function createLoop(
  canvas: HTMLCanvasElement,
  previews: Previews,
): Playable & { refresh(): void; dispose(): void } {
  const brush = canvas.getContext("2d");
  let request = 0;
  let moving = !calmMotion();
  let at = 0;
  let since = performance.now();
  let drawn: ImageBitmap | null = null;

  const packet = () => previews.pictures()?.packet;

  function frame(): number {
    const clip = packet();
    if (clip === undefined) return 0;
    if (!moving) return clampFrame(at, clip.clipFrames);
    const passed = ((performance.now() - since) / 1000) * clip.rateHz;
    return Math.floor(at + passed) % Math.max(1, clip.clipFrames);
  }

  function draw(): void {
    const pictures = previews.pictures();
    if (pictures === null || brush === null) return;
    const bitmap = chosen(pictures);
    if (bitmap === undefined || bitmap === drawn) return;
    if (canvas.width !== bitmap.width) canvas.width = bitmap.width;
    if (canvas.height !== bitmap.height) canvas.height = bitmap.height;
    brush.drawImage(bitmap, 0, 0);
    drawn = bitmap;
  }

  function chosen(pictures: Pictures): ImageBitmap | undefined {
    const indices = pictures.packet.frames.map((one) => one.index);
    return pictures.bitmaps[pictureAt(indices, frame())];
  }

  function tick(): void {
    draw();
    request = moving && previews.pictures() !== null ? requestAnimationFrame(tick) : 0;
  }

  /** Hold the present frame as the new start of counting. */
  function mark(): void {
    at = frame();
    since = performance.now();
  }

  return {
    get frames() {
      return packet()?.clipFrames ?? 0;
    },
    get rateHz() {
      return packet()?.rateHz ?? 0;
    },
    sound: false,
    frame,
    playing: () => moving && previews.pictures() !== null,
    play(): void {
      mark();
      moving = true;
      this.refresh();
    },
    pause(): void {
      mark();
      moving = false;
    },
    seek(to: number): void {
      at = clampFrame(to, packet()?.clipFrames ?? 0);
      since = performance.now();
      draw();
    },
    /** New pictures, or none any more. */
    refresh(): void {
      if (request === 0) tick();
      else draw();
    },
    dispose(): void {
      cancelAnimationFrame(request);
    },
  };
}
