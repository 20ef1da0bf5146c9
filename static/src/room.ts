/** The room page: puts the parts together. */
import "./css/room.css";

import { part } from "./dom";
import { createTranslate } from "./i18n";
import { readPage, socketUrl } from "./page";
import { createActions } from "./room/actions";
import { createAlert } from "./room/alert";
import { createAnnouncer } from "./room/announce";
import { createConnection } from "./room/connection";
import { createDesk } from "./room/desk";
import { createSharedDocument } from "./room/document";
import { createHeader } from "./room/header";
import { createKeys, type KeyCommand } from "./room/keys";
import { createKeySheet } from "./room/keysheet";
import { createPanel } from "./room/panel";
import { plannedFrames } from "./room/planned";
import { createPresence } from "./room/presence";
import { createPreviews } from "./room/preview";
import { createShare } from "./room/share";
import { createStage } from "./room/stage";
import { initialState, reduce, type Action, type RoomState } from "./room/state";
import { createStore } from "./room/store";
import { createStoryboard } from "./room/storyboard";
import { createTakes } from "./room/takes";
import { createTransport } from "./room/transport";
import { createRoomSocket } from "./socket";

function start(): void {
  const page = readPage();
  const t = createTranslate(page.language);
  const store = createStore<RoomState, Action>(
    initialState(page.you, page.role, location.hash.slice(1) || null),
    reduce,
  );
  const complain = createAlert(t);
  const announce = createAnnouncer(t);

  const previews = createPreviews({
    onTaken: () => socket.acknowledge(1),
    wanted: (takeId) => ["queued", "running"].includes(store.get().takes[takeId]?.state ?? "queued"),
    onProgress: (packets) => {
      const entries = [...packets].map(
        ([id, { attempt, step, steps, leftMs }]) => [id, { attempt, step, steps, leftMs }] as const,
      );
      store.dispatch({ type: "progress", progress: Object.fromEntries(entries) });
    },
    onPictures: () => stage.refresh(),
  });

  const socket = createRoomSocket({
    url: socketUrl(page.room_socket),
    handlers: {
      onNotice: (notice) => {
        store.dispatch({ type: "notice", notice });
        // The first worker ever has come: what it offers was not known when this page was welcomed.
        const offersNothing = store.get().offer?.sizes.length === 0;
        if (notice.type === "workers.changed" && notice.workers.alive > 0 && offersNothing) socket.readAfresh();
      },
      onEvent: (event) => {
        store.dispatch({ type: "event", event, at: new Date().toISOString() });
        if (!("take" in event)) return;
        announce(event);
        if (event.take.ended_at !== null) previews.forget(event.take.id);
      },
      onPacket: previews.accept,
      onState: (link) => {
        store.dispatch({ type: "link", link });
        connection.update({ room: link });
        if (link.kind === "ended") shared.stop();
      },
    },
  });

  const shared = createSharedDocument({
    page,
    onState: (document) => queueMicrotask(() => connection.update({ document })),
  });
  const presence = createPresence(shared.awareness, page.you, page.role);
  const connection = createConnection({
    t,
    homeUrl: page.home_url,
    startOver: shared.startOver,
    peopleCount: () => presence.people().length,
    onReconnect: (online) => (online ? socket.online() : socket.offline()),
  });
  const actions = createActions({ t, socket, document: shared, complain });
  const share = createShare(page, t);
  const keySheet = createKeySheet(t);
  createHeader({ page, t, store, presence, actions, onShare: share.open, onKeys: keySheet.open });
  const storyboard = createStoryboard({ t, store, previews, actions });
  const stage = createStage({ t, store, previews, actions, onChange: () => transport.render() });
  const transport = createTransport({ t, stage });
  const takes = createTakes({ t, store, previews, actions });
  const desk = createDesk({ page, t, store, document: shared, presence, actions, complain });
  createPanel({ t, store, presence });

  function run(command: KeyCommand): void {
    switch (command) {
      case "play":
        return transport.toggle();
      case "back":
        return transport.skip(-1);
      case "forward":
        return transport.skip(1);
      case "frame_back":
        return transport.step(-1);
      case "frame_forward":
        return transport.step(1);
      case "fullscreen":
        return stage.fullscreen();
      case "generate":
        return desk.request();
      case "new_shot":
        return storyboard.add();
      case "rename_shot":
        return storyboard.rename();
      case "shot_up":
        return storyboard.move(-1);
      case "shot_down":
        return storyboard.move(1);
      case "reuse_seed":
        return takes.reuseSeed();
      case "help":
        return keySheet.open();
    }
  }
  createKeys(run);

  presence.subscribe(connection.paintCount);
  shared.observe(() => store.dispatch({ type: "planned", planned: plannedFrames(shared.doc) }));
  store.subscribe((state) => {
    connection.update({ readOnly: state.loaded && !state.mayEdit });
    visit(state.shotId);
    transport.render();
  });
  window.addEventListener("hashchange", () => {
    const shotId = location.hash.slice(1);
    if (store.get().shots.some((shot) => shot.id === shotId)) store.dispatch({ type: "shot", shotId });
  });

  let visited: string | null = null;
  /** The selected shot is kept in the address and told to the others. */
  function visit(shotId: string | null): void {
    if (shotId === visited) return;
    visited = shotId;
    complain("");
    presence.visit(shotId);
    if (shotId !== null) history.replaceState(history.state, "", `#${shotId}`);
  }

  part("room").hidden = false;
  socket.connect();
}

start();
