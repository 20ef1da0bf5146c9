/** When a document may be called saved: everything that was sent has been acknowledged as durable. */

/** Counts sync frames of one connection; a new connection starts over. */
export interface SavedState {
  connected: boolean;
  synced: boolean;
  sent: number;
  durable: number;
}

export type SavedAction =
  { type: "opened" } | { type: "synced" } | { type: "sent" } | { type: "durable"; count: number } | { type: "closed" };

export const NOTHING_SENT: SavedState = { connected: false, synced: false, sent: 0, durable: 0 };

export function reduceSaved(state: SavedState, action: SavedAction): SavedState {
  switch (action.type) {
    case "opened":
      return { connected: true, synced: false, sent: 0, durable: 0 };
    case "synced":
      return { ...state, synced: true };
    case "sent":
      return { ...state, sent: state.sent + 1 };
    case "durable":
      return { ...state, durable: Math.max(state.durable, action.count) };
    case "closed":
      return NOTHING_SENT;
  }
}

/** The server's first question is answered (that frame counts), and every frame sent is durable. */
export function isSaved(state: SavedState): boolean {
  return state.connected && state.synced && state.sent > 0 && state.durable >= state.sent;
}

const MESSAGE_SYNC = 0;
const STEP_1 = 0;

/** Whether a frame carries edits, as the server counts them: a sync message that is not step 1. */
export function carriesEdits(data: Uint8Array): boolean {
  return data[0] === MESSAGE_SYNC && data[1] !== undefined && data[1] !== STEP_1;
}
