/** The newest preview of each running take. Pictures live here only, never in the state. */
import { decodePacket, type PreviewPacket } from "../frames";

export interface Pictures {
  packet: PreviewPacket;
  bitmaps: ImageBitmap[];
}

export interface PreviewOptions {
  /** Gives back the credit that a packet took. */
  onTaken(): void;
  /** Whether the take can still be under way; the last packets of a take may come after its end. */
  wanted(takeId: string): boolean;
  /** At most four times a second: packets that came since the last call, by take. */
  onProgress(packets: ReadonlyMap<string, PreviewPacket>): void;
  onPictures(takeId: string): void;
}

const PROGRESS_EVERY_MS = 250;

export function createPreviews(options: PreviewOptions) {
  const newest = new Map<string, PreviewPacket>();
  const thumbs = new Map<string, string>();
  let told = new Map<string, PreviewPacket>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let toldAt = -Infinity;
  let shown: string | null = null;
  let pictures: Pictures | null = null;

  function accept(data: ArrayBuffer): void {
    const packet = decodePacket(data);
    const known = newest.get(packet.takeId);
    options.onTaken();
    if (!options.wanted(packet.takeId) || (known !== undefined && stale(packet, known))) return;
    newest.set(packet.takeId, packet);
    told.set(packet.takeId, packet);
    timer ??= setTimeout(tell, Math.max(0, toldAt + PROGRESS_EVERY_MS - performance.now()));
    if (packet.takeId === shown) void decode(packet);
  }

  function tell(): void {
    timer = undefined;
    toldAt = performance.now();
    const packets = told;
    told = new Map();
    for (const packet of packets.values()) keepThumb(packet);
    options.onProgress(packets);
  }

  /** A small still for the lists: the middle picture of the newest preview. */
  function keepThumb(packet: PreviewPacket): void {
    const frame = packet.frames[Math.floor(packet.frames.length / 2)];
    if (frame === undefined) return;
    forgetThumb(packet.takeId);
    thumbs.set(packet.takeId, URL.createObjectURL(new Blob([frame.jpeg], { type: "image/jpeg" })));
  }

  function forgetThumb(takeId: string): void {
    const old = thumbs.get(takeId);
    thumbs.delete(takeId);
    if (old !== undefined) setTimeout(() => URL.revokeObjectURL(old), 2_000); // an <img> may still be loading it
  }

  async function decode(packet: PreviewPacket): Promise<void> {
    const blobs = packet.frames.map((frame) => new Blob([frame.jpeg], { type: "image/jpeg" }));
    const bitmaps = await Promise.all(blobs.map((blob) => createImageBitmap(blob)));
    if (packet.takeId !== shown || (pictures !== null && samePlace(packet, pictures.packet))) {
      bitmaps.forEach((bitmap) => bitmap.close());
      return;
    }
    release();
    pictures = { packet, bitmaps };
    options.onPictures(packet.takeId);
  }

  /** Pictures of a later step were ready first. */
  function samePlace(packet: PreviewPacket, held: PreviewPacket): boolean {
    return packet.takeId === held.takeId && stale(packet, held);
  }

  function release(): void {
    pictures?.bitmaps.forEach((bitmap) => bitmap.close());
    pictures = null;
  }

  return {
    accept,
    /** Decode this take's previews from now on; null for none. */
    show(takeId: string | null): void {
      if (takeId === shown) return;
      shown = takeId;
      release();
      const packet = takeId === null ? undefined : newest.get(takeId);
      if (packet !== undefined) void decode(packet);
    },
    pictures: (): Pictures | null => pictures,
    thumb: (takeId: string): string => thumbs.get(takeId) ?? "",
    /** The take has ended: its previews are of no more use. */
    forget(takeId: string): void {
      newest.delete(takeId);
      told.delete(takeId);
      forgetThumb(takeId);
    },
    dispose(): void {
      clearTimeout(timer);
      release();
      for (const takeId of [...thumbs.keys()]) forgetThumb(takeId);
    },
  };
}
export type Previews = ReturnType<typeof createPreviews>;

/** A packet of an earlier attempt or of an earlier step, or the same again, is not news. */
export function stale(packet: PreviewPacket, known: PreviewPacket): boolean {
  if (packet.attempt !== known.attempt) return packet.attempt < known.attempt;
  return packet.step <= known.step;
}
