// An unmodified y-websocket provider, told what to do by lines of JSON on standard input.
// Arguments: server address, cookie, origin, shot. Answers each line with one line of JSON.
import { createInterface } from "node:readline";
import WebSocket from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";

const [server, cookie, origin, shot] = process.argv.slice(2);

class StudioSocket extends WebSocket {
  constructor(address, protocols) {
    super(address, protocols, { headers: { Cookie: cookie, Origin: origin } });
  }
}

const doc = new Y.Doc();
const provider = new WebsocketProvider(server, "doc", doc, {
  WebSocketPolyfill: StudioSocket,
  disableBc: true,
  connect: false,
});
let closeCode = 0;
provider.on("connection-close", (event) => {
  closeCode = event?.code ?? 0;
});
const prompt = () => doc.getMap("shots").get(shot)?.get("prompt");
const settings = () => doc.getMap("shots").get(shot)?.get("settings");

const deeds = {
  connect: () => provider.connect(),
  disconnect: () => provider.disconnect(),
  insert: ({ at, text }) => prompt().insert(at, text),
  remove: ({ at, length }) => prompt().delete(at, length),
  set: ({ key, value }) => settings().set(key, value),
  say: ({ field, value }) => provider.awareness.setLocalStateField(field, value),
  look: () => {},
  leave: () => {
    provider.destroy();
    setImmediate(() => process.exit(0));
  },
};

function report() {
  return {
    client: doc.clientID,
    synced: provider.synced,
    connected: provider.wsconnected,
    text: prompt()?.toString() ?? null,
    settings: settings()?.toJSON() ?? null,
    states: Object.fromEntries(provider.awareness.getStates()),
    closeCode,
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { deed, ...given } = JSON.parse(line);
  deeds[deed](given);
  process.stdout.write(`${JSON.stringify(report())}\n`);
}
