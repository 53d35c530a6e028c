/** `reeve snapshot`: the raw answers of all servers in one file, to plan from without them. Changes nothing there. */
import { shellWord } from '../core/shell-word.ts';
import { isUnknown, type Reader, type Unknown } from '../core/port.ts';
import type { Farm } from '../kinds/farm.ts';
import type { ServerSeen } from '../kinds/server/live.ts';
import { readTwice } from '../kinds/server/second-reading.ts';
import type { RawAnswer } from '../kinds/toolstack.ts';
import { pathsToRead, unaskedPaths } from '../plan/index.ts';
import { count } from '../report/text.ts';
import { xl } from '../toolstacks/xl/index.ts';
import { snapshotFormat, snapshotJson, type SnapshotServer } from '../transport/index.ts';
import { exit, type ExitCode } from './exit.ts';
import { load } from './load.ts';
import { restless, untilQuiet } from './observe.ts';
import type { CommonFlags } from './options.ts';
import { readerOf, writePrivate } from './outside.ts';
import { whileReading } from './pipeline.ts';
import { say, type Shell } from './shell.ts';
import { table } from '../core/table.ts';

export interface SnapshotFlags extends CommonFlags {
  readonly out: string;
  readonly readTimeout: number;
}

/** As with every reading, what is between two lives is looked at again. */
const moving = (raw: RawAnswer, paths: readonly string[]): boolean => {
  const seen = xl.reading('all', paths).decode(raw.bytes, raw.nonce);
  return isUnknown(seen) ? seen.reason === 'contradictory' : restless(seen);
};

const moreIn = (raw: RawAnswer, paths: readonly string[]): readonly string[] | undefined => {
  const seen = xl.reading('all', paths).decode(raw.bytes, raw.nonce);
  return isUnknown(seen) ? undefined : seen.more;
};

interface Ask {
  readonly shell: Shell;
  readonly reader: Reader;
  readonly until: number;
}

const ask = async (
  { shell, reader, until }: Ask,
  name: string,
  paths: readonly string[],
): Promise<readonly [string, SnapshotServer]> => {
  let whole = paths;
  const read = (more: readonly string[]): Promise<RawAnswer | Unknown> => {
    whole = [...paths, ...more];
    return reader.read(name, xl.rawReading('all', whole), until);
  };
  const raw: RawAnswer | Unknown = await untilQuiet(
    () => readTwice(read, (r) => moreIn(r, paths)),
    (r) => moving(r, whole),
    shell.sleep,
  );
  if (isUnknown(raw)) return [name, { unread: raw }];
  return [name, { nonce: raw.nonce, paths: whole, answer: Buffer.from(raw.bytes).toString('base64') }];
};

const decoded = (server: SnapshotServer): ServerSeen | Unknown =>
  'unread' in server
    ? server.unread
    : xl.reading('all', server.paths).decode(Buffer.from(server.answer, 'base64'), server.nonce);

/** Whatever is planned from it, the paths that the cfgs name are known: a second look asks for them. */
const take = async (farm: Farm, how: Ask): Promise<readonly (readonly [string, SnapshotServer])[]> => {
  const asked = pathsToRead(farm);
  const servers = farm.pools.flatMap((p) => p.servers);
  const first = await Promise.all(servers.map(({ name }) => ask(how, name, asked.get(name) ?? [])));
  const more = unaskedPaths(farm, new Map(first.map(([name, s]) => [name, decoded(s)])), null);
  return Promise.all(
    first.map(async ([name, s]) => {
      const paths = more.get(name);
      return paths ? ask(how, name, [...(asked.get(name) ?? []), ...paths]) : ([name, s] as const);
    }),
  );
};

/** Exit code 4 where a server could not be read: the file says so in its place. */
export const snapshot = async (shell: Shell, paths: readonly string[], flags: SnapshotFlags): Promise<ExitCode> => {
  const farm = await load(shell, paths, flags);
  const reader = await readerOf(shell, farm, {});
  try {
    const how = { shell, reader, until: shell.now() + flags.readTimeout };
    const all = farm.pools.reduce((n, p) => n + p.servers.length, 0);
    const servers = await whileReading(shell, all, take(farm, how));
    const at = new Date(shell.now()).toISOString();
    await writePrivate(
      flags.out,
      snapshotJson({
        format: snapshotFormat,
        tool: shell.version,
        at,
        farm: farm.name,
        servers: table(servers),
      }),
    );
    const unread = servers.flatMap(([name, s]) => ('unread' in s ? [[name, s.unread] as const] : []));
    for (const [name, u] of unread) say(shell.err, `warning: ${name} could not be read: ${u.why}`);
    const read = servers.length - unread.length;
    say(
      shell.err,
      `Saved what ${count(read, 'server')} answered. To plan from it: reeve plan --from-snapshot ${shellWord(flags.out)}`,
    );
    return unread.length > 0 ? exit.unread : exit.done;
  } finally {
    await reader.close();
  }
};
