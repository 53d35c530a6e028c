/** `reeve history [VM]`: what was done on the servers, from the journals there. Reads only. */
import { sortedBy } from '../core/order.ts';
import { isUnknown, type Unknown } from '../core/port.ts';
import { ref, refKey } from '../core/ref.ts';
import { table } from '../core/table.ts';
import { identified } from '../kinds/server/identity.ts';
import { journalPath, olderPath, parseEntry, type JournalEntry } from '../kinds/server/journal.ts';
import type { Observed, ServerSeen } from '../kinds/server/live.ts';
import type { ServerSpec } from '../kinds/server/spec.ts';
import { historyJson, renderHistory, type History, type HistoryServer } from '../report/history.ts';
import { xl } from '../toolstacks/xl/index.ts';
import { exit, ExitError, type ExitCode } from './exit.ts';
import { load, serverNamed } from './load.ts';
import { untilQuiet } from './observe.ts';
import { defaultReadTimeout, type CommonFlags, type SourceFlags } from './options.ts';
import { readerOf } from './outside.ts';
import { whileReading } from './pipeline.ts';
import { lookOf, type Shell } from './shell.ts';

/** A moment, or so many ms ago. */
type When = { readonly at: number } | { readonly ago: number };

export interface HistoryFlags extends CommonFlags, Pick<SourceFlags, 'readTimeout'> {
  readonly server: readonly string[];
  readonly since?: When;
  readonly json: boolean;
}

const units = table({ s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 });

/** `90m`, `12h`, `7d`, `2026-01-31`, `2026-01-31T12:00:00Z`; a time without a zone is UTC, as the table has it. */
export const sinceWhen = (text: string): When => {
  const [, n, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (n !== undefined && unit !== undefined) return { ago: Number(n) * (units[unit] ?? 0) };
  const [, day, time = '00:00', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?))?(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? [];
  const at = day === undefined ? Number.NaN : Date.parse(`${day}T${time}${zone}`);
  if (!Number.isNaN(at)) return { at };
  throw new ExitError(exit.error, `--since ${text}: it is no time`, 'write 90m, 12h, 7d, or a date like 2026-01-31');
};

/** Asked for behind the journals: it is told only where they were read to their ends. */
const behind = '/var/log';
const asked = [`text:${olderPath}`, `text:${journalPath}`, behind];

/** Something like ./farm, farm.yaml: a VM's name has no such form. */
const isPath = (word: string): boolean => /\/|^\.|\.ya?ml$/.test(word);

interface Read {
  readonly server: HistoryServer;
  readonly entries: readonly JournalEntry[];
}

const nothing = { why: null, help: null, broken: 0 };

const readOf = ({ name, state }: ServerSpec, seen: ServerSeen | Unknown | undefined): Read => {
  if (seen === undefined || isUnknown(seen)) {
    if (state === 'off' || state === 'lost') return { server: { ...nothing, name, state }, entries: [] };
    const why = seen?.why ?? 'it was not read';
    return { server: { ...nothing, name, state: 'unread', why, help: seen?.help ?? null }, entries: [] };
  }
  const lines = [olderPath, journalPath].flatMap((path) => seen.texts?.[path] ?? []);
  const entries = lines.flatMap((line) => {
    const entry = parseEntry(line);
    return entry === null ? [] : [{ ...entry, server: name }];
  });
  const read = { ...nothing, name, broken: lines.length - entries.length };
  if (seen.paths[behind] === 'there') return { server: { ...read, state: 'read' }, entries };
  const cut = { state: 'unread', why: 'its journal could not be read to the end', help: 'ask again' } as const;
  return { server: { ...read, ...cut }, entries };
};

export const history = async (
  shell: Shell,
  word: string | undefined,
  more: readonly string[],
  flags: HistoryFlags,
): Promise<ExitCode> => {
  const vm = word === undefined || isPath(word) ? null : word;
  const farm = await load(shell, word === undefined || vm !== null ? more : [word, ...more], flags);
  const all = farm.pools.flatMap((p) => p.servers);
  const wanted = flags.server.length === 0 ? all : flags.server.map((name) => serverNamed(all, name));
  const servers = all.filter((s) => wanted.includes(s));
  const now = shell.now();
  const { since } = flags;
  const from = since === undefined ? null : 'at' in since ? since.at : now - since.ago;
  const reader = await readerOf(shell, farm, {});
  try {
    const until = now + (flags.readTimeout ?? defaultReadTimeout);
    const read = async ({ name }: ServerSpec): Promise<readonly [string, ServerSeen | Unknown]> => [
      name,
      await untilQuiet(
        () => reader.read(name, xl.reading('domains', asked), until),
        () => false,
        shell.sleep,
      ),
    ];
    const reading = Promise.all(servers.filter((s) => s.state !== 'off').map(read));
    const observed: Observed = identified(
      servers,
      farm.name,
      new Map(await whileReading(shell, servers.length, reading)),
    );
    const found = servers.map((s) => readOf(s, observed.get(s.name)));
    const subject = vm === null ? null : refKey(ref('vm', vm));
    const shown: History = {
      format: 'reeve-history/1',
      tool: shell.version,
      farm: farm.name,
      vm,
      since: from === null ? null : new Date(from).toISOString(),
      servers: found.map((r) => r.server),
      // Where two began at the same time, the journal's own order stays.
      operations: sortedBy(
        found
          .flatMap((r) => r.entries)
          .filter((e) => (subject === null || e.subject === subject) && Date.parse(e.at) >= (from ?? -Infinity)),
        (e) => new Date(e.at).toISOString(),
      ),
    };
    shell.out.write(flags.json ? historyJson(shown) : renderHistory(shown, lookOf(shell, shell.out, flags.color)));
    return found.some((r) => r.server.state === 'unread') ? exit.unread : exit.done;
  } finally {
    await reader.close();
  }
};
