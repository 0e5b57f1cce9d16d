/**
 * Where measured tiles are kept from one process or page to the next: in a page its localStorage, in Node a file in the user's cache
 * folder. What cannot be read counts for nothing, and what cannot be written is measured again.
 */
import type * as Fs from 'node:fs/promises';
import type * as Os from 'node:os';
import type * as Path from 'node:path';
import { contractTiles } from './contract-tile.js';
import type { Tile } from './tile.js';
import type { GpuCapabilities } from './capabilities.js';

export interface TileStore {
  read(): Promise<Map<string, Tile>>;
  write(tiles: ReadonlyMap<string, Tile>): Promise<void>;
}

/** A text that is kept. */
export interface TextStore {
  read(): Promise<string | undefined>;
  write(text: string): Promise<void>;
}

/** Of the format: other versions are left alone. */
const NAME = 'cotangent-tiles-1';

/** The tiles of one device, told by its description, among those of others. */
export function tileStore(text: TextStore, device: string, capabilities: GpuCapabilities): TileStore {
  const own = JSON.stringify([device, capabilities.isCpu, capabilities.workgroupBytes]);
  const all = async (): Promise<Record<string, unknown>> => {
    const value: unknown = JSON.parse((await text.read().catch(() => undefined)) ?? '{}');
    return isRecord(value) ? value : {};
  };
  // Nothing but a tile that the device could choose itself.
  const valid = new Map(
    [16, 32].flatMap((k) => contractTiles(k, capabilities)).map((tile) => [JSON.stringify(tile), tile]),
  );
  return {
    async read() {
      const entries = await all().catch(() => ({}));
      const tiles = isRecord(entries) && isRecord(entries[own]) ? Object.entries(entries[own]) : [];
      return new Map(
        tiles.flatMap(([key, value]): [string, Tile][] => {
          const tile = valid.get(JSON.stringify(value));
          return tile === undefined ? [] : [[key, tile]];
        }),
      );
    },
    async write(tiles) {
      const entries = await all().catch(() => ({}));
      await text.write(JSON.stringify({ ...entries, [own]: Object.fromEntries(tiles) }));
    },
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What there is to keep texts in; undefined where there is nothing. */
export async function textStore(): Promise<TextStore | undefined> {
  if (typeof process !== 'undefined' && 'node' in process.versions) return fileStore();
  try {
    const storage = globalThis.localStorage;
    return {
      read: () => Promise.resolve(storage.getItem(NAME) ?? undefined),
      write: (text) => {
        storage.setItem(NAME, text);
        return Promise.resolve();
      },
    };
  } catch {
    // A page may be refused its storage.
    return undefined;
  }
}

async function fileStore(): Promise<TextStore> {
  // Computed names: bundlers for pages must not follow them.
  const load = <M>(name: string): Promise<M> =>
    import(/* @vite-ignore */ /* webpackIgnore: true */ `node:${name}`) as Promise<M>;
  const [fs, os, path] = await Promise.all([
    load<typeof Fs>('fs/promises'),
    load<typeof Os>('os'),
    load<typeof Path>('path'),
  ]);
  const { env, platform } = process;
  const caches =
    env['XDG_CACHE_HOME'] ??
    (platform === 'win32' ? env['LOCALAPPDATA'] : undefined) ??
    path.join(os.homedir(), platform === 'darwin' ? 'Library/Caches' : '.cache');
  const folder = path.join(caches, 'cotangent');
  const file = path.join(folder, `${NAME}.json`);
  return {
    read: () => fs.readFile(file, 'utf8'),
    async write(text) {
      await fs.mkdir(folder, { recursive: true });
      // Renamed when it is whole, so that no reader finds half of it.
      const part = `${file}.${process.pid}`;
      await fs.writeFile(part, text);
      await fs.rename(part, file);
    },
  };
}
