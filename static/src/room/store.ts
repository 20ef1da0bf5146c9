/** The one place of state: pure reducer, coalesced notifications. */
export function createStore<S, A>(initial: S, reduce: (state: S, action: A) => S) {
  const listeners = new Set<(state: S) => void>();
  let state = initial;
  let due = false;

  function notify(): void {
    due = false;
    for (const listener of [...listeners]) listener(state);
  }

  return {
    get: (): S => state,
    dispatch(action: A): void {
      const next = reduce(state, action);
      if (next === state) return;
      state = next;
      if (due) return;
      due = true;
      queueMicrotask(notify);
    },
    subscribe(listener: (state: S) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
