/** What a run has done, written into the journals of its servers: gathered, and appended a few times in all, under their locks. */
import type { Event } from '../core/event.ts';
import { cut } from '../core/json.ts';
import { ref, refKey } from '../core/ref.ts';
import type { Plan } from '../kinds/plan.ts';
import { journalLine, type JournalEntry } from '../kinds/server/journal.ts';
import { appendLines } from './append.ts';
import type { Unwritten, Why } from './outcome.ts';
import { maskOf } from './words.ts';
import type { World } from './world.ts';

export interface Journal {
  readonly tell: (event: Event) => void;
  /** Writes what is left. `shut`: why nothing can be done on these servers any more. */
  readonly end: (shut: ReadonlyMap<string, Why>) => Promise<void>;
  /** The servers whose journals lack something of this run, once each. */
  readonly unwritten: () => readonly Unwritten[];
}

/** ms that a line waits for others, and the bytes that are brought at a time: a run that is killed loses no more of what it did. */
const longestMs = 60_000;
const pieceBytes = 64 * 1024;

const mostWhy = 300;

const lost = 'the run left before it was written';

interface Pages {
  /** Not written yet. */
  lines: string[];
  bytes: number;
  /** Of the oldest line. */
  since: number;
  /** The writing that is under way, and those before it; how many have not ended. */
  last: Promise<void>;
  under: number;
  why: string | null;
}

const empty = (): Pages => ({ lines: [], bytes: 0, since: 0, last: Promise.resolve(), under: 0, why: null });

/** What an event says of an entry. */
type Told = Pick<JournalEntry, 'at' | 'ms' | 'server' | 'op' | 'verb' | 'subject' | 'result' | 'code' | 'why'>;

const resultOf = (
  event: Extract<Event, { ev: 'done' | 'failed' | 'fenced' | 'fence-failed' }>,
  whyOf: (why: string) => string,
): Pick<Told, 'result' | 'code' | 'why'> => {
  if (event.ev === 'done') return { result: 'done', code: null, why: null };
  if (event.ev === 'fenced') return { result: 'done', code: null, why: whyOf(event.how) };
  return { result: 'failed', code: event.code, why: whyOf(event.why) };
};

/** Without `world.origin` nothing is written. */
export const openJournal = (plan: Plan, world: World): Journal => {
  const { clock, control, who, origin } = world;
  const mask = maskOf(world.secrets);
  const byId = new Map(plan.operations.map((o) => [o.id, o]));
  const began = new Map<string, string>();
  const warned = new Map<string, Why>();
  const servers = new Map<string, Pages>();
  let serial = 0;

  /** One after the other on a server; what a journal did not take is not offered again. */
  const write = (server: string, pages: Pages): void => {
    const { lines } = pages;
    pages.lines = [];
    pages.bytes = 0;
    if (lines.length === 0) return;
    pages.under += 1;
    pages.last = pages.last.then(async () => {
      pages.why ??= await appendLines(control, server, `journal-${serial++}`, lines);
      pages.under -= 1;
    });
  };

  const add = (server: string, line: string): void => {
    const pages = servers.get(server) ?? empty();
    servers.set(server, pages);
    if (pages.lines.length === 0) pages.since = clock.now();
    pages.lines.push(`${line}\n`);
    pages.bytes += line.length;
    if (pages.bytes >= pieceBytes || clock.now() - pages.since >= longestMs) write(server, pages);
  };

  const by = { who: `${who.who}@${who.from}`, run: who.epoch, reeve: plan.tool };
  const whyOf = (why: string): string => cut(mask(why.split('\n', 1)[0] ?? ''), mostWhy);

  const ended = (event: Extract<Event, { ev: 'done' | 'failed' }>): Told | null => {
    const operation = byId.get(event.op);
    if (!operation) return null;
    const { id, op, target, server } = operation;
    const at = began.get(id) ?? event.at;
    const told = {
      at,
      ms: event.ms,
      server,
      op: id,
      verb: op.verb,
      subject: refKey(target),
      ...resultOf(event, whyOf),
    };
    const warning = event.ev === 'done' ? warned.get(id) : undefined;
    return warning ? { ...told, code: warning.code, why: whyOf(warning.why) } : told;
  };

  /** A server that is lost keeps no journal: the first one does that starts something of it. */
  const fenced = (event: Extract<Event, { ev: 'fenced' | 'fence-failed' }>): Told | null => {
    const [first] = plan.fences.find((f) => f.server === event.server)?.operations ?? [];
    const server = byId.get(first ?? '')?.server;
    if (server === undefined) return null;
    const at = new Date(Date.parse(event.at) - event.ms).toISOString();
    const subject = refKey(ref('server', event.server));
    return { at, ms: event.ms, server, op: `${event.server}/fence`, verb: 'fence', subject, ...resultOf(event, whyOf) };
  };

  const toldBy = (event: Event): Told | null => {
    switch (event.ev) {
      case 'done':
      case 'failed':
        return ended(event);
      case 'fenced':
      case 'fence-failed':
        return fenced(event);
      case 'held':
      case 'waiting':
      case 'fencing':
      case 'started':
      case 'progress':
      case 'warning':
      case 'skipped':
      case 'detached':
        return null;
    }
  };

  return {
    tell: (event) => {
      if (event.ev === 'started') began.set(event.op, event.at);
      if (event.ev === 'warning') warned.set(event.op, event);
      const told = origin ? toldBy(event) : null;
      if (told && origin) add(told.server, journalLine({ ...told, ...by, ...origin }));
    },
    end: async (shut) => {
      for (const [server, pages] of servers) {
        const barred = shut.get(server);
        if (barred === undefined) write(server, pages);
        else if (pages.lines.length > 0) pages.why ??= barred.why;
      }
      await Promise.all([...servers.values()].map((p) => p.last));
    },
    unwritten: () =>
      [...servers].flatMap(([server, { why, lines, under }]) => {
        const left = lines.length + under > 0 ? lost : null;
        const told = why ?? left;
        return told === null ? [] : [{ server, why: told }];
      }),
  };
};
