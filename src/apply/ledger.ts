/** Where each operation of a run stands: every step of the way is told as an event, and the outcome is read from it. */
import type { Event } from '../core/event.ts';
import type { Operation } from '../kinds/plan.ts';
import type { Trouble } from './hands.ts';
import type { Fenced, Outcome, Reason, Why } from './outcome.ts';
import type { Clock } from './world.ts';

type Standing =
  | { readonly is: 'waiting' }
  | { readonly is: 'running'; readonly since: number; readonly doing: string }
  | { readonly is: 'done' }
  | ({ readonly is: 'failed' | 'skipped' | 'detached'; readonly help?: string } & Why);

export interface Ledger {
  readonly is: (id: string) => Standing['is'] | undefined;
  readonly held: (server: string) => void;
  /** Another run holds the server: repeated reasons are told once. */
  readonly waiting: (server: string, why: string) => void;
  /** A lost server is powered off; it is down, or not known to be. `since`: when that began, in ms since 1970. */
  readonly fencing: (server: string, command: string) => void;
  readonly fenced: (server: string, how: string, since: number) => void;
  readonly unfenced: (server: string, why: Why, since: number) => void;
  readonly started: (id: string) => void;
  /** `text`: what is done now; repeated texts are told once. */
  readonly progress: (id: string, text: string, bytes?: number, total?: number) => void;
  /** Something happened on the way that is to be told. */
  readonly warned: (id: string, why: Why) => void;
  readonly done: (id: string) => void;
  readonly failed: (id: string, trouble: Trouble) => void;
  readonly skipped: (id: string, why: Why) => void;
  /**
   * Ends the run: what is running is detached, what waits is skipped for `why`, and nothing is told any more. Silent: no
   * events for what is skipped.
   */
  readonly close: (why: Why, silent?: boolean) => void;
  readonly outcome: (cancelled: boolean) => Outcome;
}

export const openLedger = (operations: readonly Operation[], clock: Clock, onEvent: (event: Event) => void): Ledger => {
  const standings = new Map<string, Standing>(operations.map((o) => [o.id, { is: 'waiting' }]));
  const fences: Fenced[] = [];
  const warnings: Reason[] = [];
  const waits = new Map<string, string>();
  let closed = false;

  const at = (): string => new Date(clock.now()).toISOString();
  const tell = (event: Event): void => {
    if (!closed) onEvent(event);
  };
  const move = (id: string, to: Standing): void => {
    standings.set(id, to);
  };
  const took = (id: string): number => {
    const s = standings.get(id);
    return s?.is === 'running' ? clock.now() - s.since : 0;
  };
  const skipped = (id: string, { code, why }: Why): void => {
    tell({ ev: 'skipped', at: at(), op: id, code, why });
    move(id, { is: 'skipped', code, why });
  };
  const reasons = (is: 'failed' | 'skipped' | 'detached'): readonly Reason[] =>
    operations.flatMap(({ id }) => {
      const s = standings.get(id);
      if (s?.is !== is) return [];
      return [{ id, code: s.code, why: s.why, ...(s.help === undefined ? {} : { help: s.help }) }];
    });

  return {
    is: (id) => standings.get(id)?.is,
    held: (server) => tell({ ev: 'held', at: at(), server }),
    waiting: (server, why) => {
      if (waits.get(server) === why) return;
      waits.set(server, why);
      tell({ ev: 'waiting', at: at(), server, why });
    },
    fencing: (server, command) => tell({ ev: 'fencing', at: at(), server, command }),
    fenced: (server, how, since) => {
      tell({ ev: 'fenced', at: at(), server, ms: clock.now() - since, how });
      fences.push({ server, down: true, how });
    },
    unfenced: (server, { code, why }, since) => {
      tell({ ev: 'fence-failed', at: at(), server, ms: clock.now() - since, code, why });
      fences.push({ server, down: false, code, how: why });
    },
    started: (id) => {
      tell({ ev: 'started', at: at(), op: id });
      move(id, { is: 'running', since: clock.now(), doing: '' });
    },
    progress: (id, text, bytes, total) => {
      const s = standings.get(id);
      if (s?.is !== 'running' || s.doing === text) return;
      const far = { ...(bytes === undefined ? {} : { bytes }), ...(total === undefined ? {} : { total }) };
      tell({ ev: 'progress', at: at(), op: id, text, ...far });
      move(id, { ...s, doing: text });
    },
    warned: (id, { code, why }) => {
      tell({ ev: 'warning', at: at(), op: id, code, why });
      warnings.push({ id, code, why });
    },
    done: (id) => {
      tell({ ev: 'done', at: at(), op: id, ms: took(id) });
      move(id, { is: 'done' });
    },
    failed: (id, { code, why, help }) => {
      const more = { code, why, ...(help === undefined ? {} : { help }) };
      tell({ ev: 'failed', at: at(), op: id, ms: took(id), ...more });
      move(id, { is: 'failed', ...more });
    },
    skipped,
    close: (why, silent = false) => {
      for (const { id, server } of operations) {
        const s = standings.get(id);
        if (s?.is === 'running') {
          const left = `left on ${server}${s.doing && ` at: ${s.doing}`}; the next run waits for what still runs there`;
          tell({ ev: 'detached', at: at(), op: id, code: 'detached', why: left });
          move(id, { is: 'detached', code: 'detached', why: left });
        } else if (s?.is === 'waiting') {
          if (silent) move(id, { is: 'skipped', ...why });
          else skipped(id, why);
        }
      }
      closed = true;
    },
    outcome: (cancelled) => ({
      done: operations.flatMap(({ id }) => (standings.get(id)?.is === 'done' ? [id] : [])),
      failed: reasons('failed'),
      skipped: reasons('skipped'),
      detached: reasons('detached'),
      ...(warnings.length === 0 ? {} : { warnings: [...warnings] }),
      ...(fences.length === 0 ? {} : { fences: [...fences] }),
      cancelled,
    }),
  };
};
