/** Single steps on one server that no plan holds, such as the reboot of a roll: under its lock, once it is known to be that server. */
import { isUnknown, type Control, type Holder, type Unknown } from '../core/port.ts';
import { cut } from '../core/json.ts';
import type { ReasonCode } from '../core/reason.ts';
import { ref, refKey } from '../core/ref.ts';
import type { ExecStep, FileStep } from '../core/step.ts';
import { journalLine, type JournalEntry, type Origin } from '../kinds/server/journal.ts';
import type { ServerSeen } from '../kinds/server/live.ts';
import type { Toolstack } from '../kinds/toolstack.ts';
import { appendLines } from './append.ts';
import { heldBy } from './words.ts';
import type { Clock } from './world.ts';

/** Why it was not done, and what would help. */
export interface Undone {
  readonly code: ReasonCode;
  readonly why: string;
  readonly help?: string | undefined;
}

export interface ErrandWorld {
  readonly control: Control;
  readonly toolstack: Toolstack;
  readonly clock: Clock;
  readonly who: Holder;
  /** Reeve's version. */
  readonly tool: string;
  /** As in `World`. */
  readonly origin: Origin | undefined;
  /** What was read of a server, or that another machine answered in its place. */
  readonly identify: (server: string, seen: ServerSeen) => ServerSeen | Unknown;
}

/** What an errand was, for the journal. */
export type ErrandTold = Pick<JournalEntry, 'at' | 'verb'> & { readonly undone: Undone | null };

export interface Errands {
  /** `id`: of the command, where it is one. Null: it is done, or begun where it is a program. */
  readonly run: (server: string, id: string, step: ExecStep | FileStep) => Promise<Undone | null>;
  /** Writes into the server's journal what was done to it. Null: it was written; else why not. */
  readonly tell: (server: string, told: ErrandTold) => Promise<string | null>;
}

const mostWhy = 300;

const undoneBy = (answer: Unknown): Undone => ({ ...answer, code: answer.reason });

export const errandsOf = (world: ErrandWorld): Errands => {
  const { control, toolstack, identify, who } = world;
  let serial = 0;

  /** An address may have been pointed elsewhere since the last step. */
  const stranger = async (server: string): Promise<Undone | null> => {
    const read = await control.read(server, toolstack.reading('all', []));
    const seen = isUnknown(read) ? read : identify(server, read);
    return isUnknown(seen) ? undoneBy(seen) : null;
  };

  const held = async <T>(server: string, act: () => Promise<T>): Promise<T | Undone> => {
    const hold = await control.hold(server, who);
    if (isUnknown(hold)) return undoneBy(hold);
    if (hold.is === 'busy') return { code: 'server-held', why: heldBy(server, hold.by) };
    try {
      return await act();
    } finally {
      await control.release();
    }
  };

  return {
    run: (server, id, step) =>
      held(server, async (): Promise<Undone | null> => {
        const wrong = await stranger(server);
        if (wrong) return wrong;
        const answer = await (step.do === 'exec' ? control.start(server, id, step) : control.file(server, step));
        if (isUnknown(answer)) return undoneBy(answer);
        if (typeof answer === 'object') return { code: 'file-failed', why: answer.why };
        if (answer === 'differs') return { code: 'file-changed', why: 'somebody changed it since it was read' };
        return answer === 'fenced' ? { code: 'taken-over', why: 'another run has taken it over' } : null;
      }),
    tell: async (server, { at, verb, undone }) => {
      const { origin, clock, tool } = world;
      if (!origin) return null;
      const line = journalLine({
        at,
        ms: clock.now() - Date.parse(at),
        server,
        op: `${server}/${verb}`,
        verb,
        subject: refKey(ref('server', server)),
        result: undone ? 'failed' : 'done',
        code: undone?.code ?? null,
        why: undone ? cut(undone.why.split('\n', 1)[0] ?? '', mostWhy) : null,
        who: `${who.who}@${who.from}`,
        run: who.epoch,
        ...origin,
        reeve: tool,
      });
      const told = await held(server, () => appendLines(control, server, `told-${serial++}`, [`${line}\n`]));
      return typeof told === 'object' && told !== null ? told.why : told;
    },
  };
};
