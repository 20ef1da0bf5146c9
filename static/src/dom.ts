type Value = string | number | boolean | null | undefined;
type Attributes = Record<string, Value>;
type Child = Node | string;

/** An element with attributes (false, null and undefined leave one out) and children; strings become text. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
  element.append(...children);
  return element;
}

/** Write an attribute only when it changes, so that a render that says nothing new touches nothing. */
export function set(element: Element, name: string, value: Value): void {
  if (value === false || value === null || value === undefined) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element: HTMLElement, visible: boolean): void {
  if (element.hidden === visible) element.hidden = !visible;
}

/** The element that the template marks with ``data-part``. */
export function part(name: string): HTMLElement {
  const element = document.querySelector<HTMLElement>(`[data-part="${name}"]`);
  if (element === null) throw new Error(`the page has no part "${name}"`);
  return element;
}

/** A view of one item that lives as long as the item is listed. */
export interface Row<T> {
  element: HTMLElement;
  update(item: T, index: number): void;
}

/** Keep ``container`` showing one row an item, in order, reusing rows so that focus and edits survive. */
export function createList<T>(container: HTMLElement, key: (item: T) => string, create: (item: T) => Row<T>) {
  const rows = new Map<string, Row<T>>();

  function drop(gone: string, row: Row<T>): void {
    row.element.remove();
    rows.delete(gone);
  }

  function place(item: T, index: number): void {
    const id = key(item);
    const row = rows.get(id) ?? create(item);
    rows.set(id, row);
    if (container.children[index] !== row.element)
      container.insertBefore(row.element, container.children[index] ?? null);
    row.update(item, index);
  }

  return {
    render(items: readonly T[]): void {
      const wanted = new Set(items.map(key));
      for (const [id, row] of [...rows]) if (!wanted.has(id)) drop(id, row);
      items.forEach(place);
    },
    row: (id: string): Row<T> | undefined => rows.get(id),
  };
}

/** Listeners and other things to undo, in one place. */
export function createBin() {
  const undo: (() => void)[] = [];
  return {
    add(step: () => void): void {
      undo.push(step);
    },
    listen<K extends keyof DocumentEventMap>(
      target: EventTarget,
      type: K | "online" | "offline" | "hashchange" | "resize" | "loadeddata" | "volumechange" | "cancel",
      listener: (event: DocumentEventMap[K]) => void,
    ): void {
      target.addEventListener(type, listener as EventListener);
      undo.push(() => target.removeEventListener(type, listener as EventListener));
    },
    dispose(): void {
      for (const step of undo.splice(0).reverse()) step();
    },
  };
}
export type Bin = ReturnType<typeof createBin>;
