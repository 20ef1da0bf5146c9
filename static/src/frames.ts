/** Preview packets as they come over the room socket; the layout is in inference/wire.py. */

export interface PreviewFrame {
  /** Place in the clip, counted from 0. */
  index: number;
  jpeg: Uint8Array<ArrayBuffer>;
}

export interface PreviewPacket {
  takeId: string;
  attempt: number;
  step: number;
  steps: number;
  clipFrames: number;
  rateHz: number;
  width: number;
  height: number;
  leftMs: number;
  frames: PreviewFrame[];
}

const MAGIC = 0x5250; // "RP"
const VERSION = 1;
const HEADER_BYTES = 36;
const FRAME_BYTES = 6;
const MAX_FRAMES = 64;

/** Bytes that are not a preview packet of this version. */
export class PacketError extends Error {}

/** Read a packet; throws PacketError for a wrong magic or version, one cut short, or frames out of order. */
export function decodePacket(data: ArrayBuffer): PreviewPacket {
  if (data.byteLength < HEADER_BYTES) {
    throw new PacketError(`expected at least ${HEADER_BYTES} bytes, got ${data.byteLength}`);
  }
  const view = new DataView(data);
  if (view.getUint16(0) !== MAGIC || view.getUint8(2) !== VERSION) {
    throw new PacketError(`expected "RP" version ${VERSION}, got ${view.getUint16(0)} version ${view.getUint8(2)}`);
  }
  const clipFrames = view.getUint16(24);
  return {
    takeId: uuid(new Uint8Array(data, 4, 16)),
    attempt: view.getUint8(3),
    step: view.getUint16(20),
    steps: view.getUint16(22),
    clipFrames,
    rateHz: view.getUint16(26),
    width: view.getUint16(28),
    height: view.getUint16(30),
    leftMs: view.getUint32(32),
    frames: readFrames(view, clipFrames),
  };
}

function readFrames(view: DataView<ArrayBuffer>, clipFrames: number): PreviewFrame[] {
  const frames: PreviewFrame[] = [];
  let last = -1;
  for (let at = HEADER_BYTES; at < view.byteLength;) {
    const frame = readFrame(view, at);
    if (frame.index <= last || frame.index >= clipFrames) {
      throw new PacketError(`frame ${frame.index}: expected an index from ${last + 1} to ${clipFrames - 1}`);
    }
    if (frames.length === MAX_FRAMES) throw new PacketError(`more than ${MAX_FRAMES} frames`);
    frames.push(frame);
    last = frame.index;
    at += FRAME_BYTES + frame.jpeg.byteLength;
  }
  return frames;
}

function readFrame(view: DataView<ArrayBuffer>, at: number): PreviewFrame {
  if (at + FRAME_BYTES > view.byteLength) throw new PacketError("cut short inside a frame's header");
  const sizeBytes = view.getUint32(at + 2);
  const start = at + FRAME_BYTES;
  if (start + sizeBytes > view.byteLength) {
    throw new PacketError(`expected ${sizeBytes} bytes of a frame, got ${view.byteLength - start}`);
  }
  return { index: view.getUint16(at), jpeg: new Uint8Array(view.buffer, view.byteOffset + start, sizeBytes) };
}

function uuid(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Which picture stands at clip frame ``at``: the last one at or before it, else the first. */
export function pictureAt(indices: readonly number[], at: number): number {
  let found = 0;
  for (let i = 0; i < indices.length; i += 1) {
    if ((indices[i] ?? Infinity) <= at) found = i;
  }
  return found;
}
