/** What a run has done, written into the journals of its servers: gathered, and appended a few times in all, under their locks. */
import { isUnknown } from '../core/port.ts';
import type { Event } from '../core/event.ts';
import { cut } from '../core/json.ts';
import { refKey } from '../core/ref.ts';
import { causeFirst, tellingOf } from '../core/said.ts';
import type { Plan } from '../kinds/plan.ts';
import { appends, broughtPath, journalLine } from '../kinds/server/journal.ts';
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

const appendMs = 20_000;
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

const encoder = new TextEncoder();

/** Without `world.origin` nothing is written. */
export const openJournal = (plan: Plan, world: World): Journal => {
  const { clock, control, who, origin } = world;
  const mask = maskOf(world.secrets);
  const byId = new Map(plan.operations.map((o) => [o.id, o]));
  const began = new Map<string, string>();
  const servers = new Map<string, Pages>();
  let serial = 0;

  const append = async (server: string, lines: readonly string[]): Promise<string | null> => {
    const bytes = encoder.encode(lines.join(''));
    const brought = await control.file(server, { do: 'write', path: broughtPath, bytes, mode: 0o600, onlyIf: 'any' });
    if (brought === 'fenced' || brought === 'differs') return 'another run took the server over';
    if (brought !== 'done') return brought.why;
    const id = `journal-${serial++}`;
    const started = await control.start(server, id, { do: 'exec', argv: appends, deadlineMs: appendMs });
    if (started === 'fenced') return 'another run took the server over';
    if (isUnknown(started)) return started.why;
    const result = await control.wait(server, id);
    if (result === 'lost' || result === 'never') return 'what came of writing it was lost';
    if (isUnknown(result)) return result.why;
    return result.rc === 0 ? null : causeFirst(tellingOf(result.err, result.out)) || `exit code ${result.rc}`;
  };

  /** One after the other on a server; what a journal did not take is not offered again. */
  const write = (server: string, pages: Pages): void => {
    const { lines } = pages;
    pages.lines = [];
    pages.bytes = 0;
    if (lines.length === 0) return;
    pages.under += 1;
    pages.last = pages.last.then(async () => {
      pages.why ??= await append(server, lines);
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

  return {
    tell: (event) => {
      if (event.ev === 'started') began.set(event.op, event.at);
      if (event.ev !== 'done' && event.ev !== 'failed') return;
      const operation = byId.get(event.op);
      if (!operation || !origin) return;
      const { id, op, target, server } = operation;
      const why = event.ev === 'failed' ? cut(mask(event.why.split('\n', 1)[0] ?? ''), mostWhy) : null;
      add(
        server,
        journalLine({
          at: began.get(id) ?? event.at,
          ms: event.ms,
          server,
          op: id,
          verb: op.verb,
          subject: refKey(target),
          result: event.ev,
          code: event.ev === 'failed' ? event.code : null,
          why,
          who: `${who.who}@${who.from}`,
          run: who.epoch,
          ...origin,
          reeve: plan.tool,
        }),
      );
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
