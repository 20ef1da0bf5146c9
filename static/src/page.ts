import type { PersonView } from "./protocol";

/** What the server writes into the room page; everything else comes over the room socket. */
export interface PageData {
  project_id: string;
  room_socket: string;
  doc_socket: string;
  doc_epoch: number;
  language: string;
  csp_nonce: string;
  csrf_token: string;
  you: PersonView;
  role: string;
  invite_url: string;
  home_url: string;
  guest: boolean;
  keep_url: string;
}

export function readPage(): PageData {
  const element = document.getElementById("page");
  return JSON.parse(element?.textContent ?? "null") as PageData;
}

/** The address of a socket on the host that served the page. */
export function socketUrl(path: string): string {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.host}${path}`;
}
