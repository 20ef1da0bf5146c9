import { existsSync } from "node:fs";
import { defineConfig } from "vitest/config";

const entries = ["static/src/room.ts", "static/src/site.ts"].filter((path) => existsSync(path));

export default defineConfig({
  base: "/static/",
  publicDir: false,
  build: {
    outDir: "static/dist",
    emptyOutDir: true,
    manifest: "manifest.json",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    rolldownOptions: { input: entries },
  },
  test: {
    include: ["tests/front/**/*.test.ts"],
    environment: "node",
  },
});
