/** Lost servers on which VMs may still run: each is asked once more and fenced, once, before the first operation that counts on it. */
import { isSilent, isUnknown, type Unknown } from '../core/port.ts';
import { formatDuration } from '../core/quantity.ts';
import type { Plan, PlanFence } from '../kinds/plan.ts';
import type { Observed, ServerSeen } from '../kinds/server/live.ts';
import type { Ledger } from './ledger.ts';
import type { Why } from './outcome.ts';
import type { Readings } from './readings.ts';
import { maskOf, outputOf } from './words.ts';
import type { Difference, World } from './world.ts';

export interface Fencing {
  /** Why the operation may not begin; null: the servers that it counts on are down, as far as can be known. */
  readonly bars: (id: string) => Promise<Why | null>;
}

/** ms between two questions whether a server is down, for one of them, and in all. */
const askMs = 2000;
const commandMs = 60_000;
const downMs = 120_000;

/** ms that a silence counts for. */
const silentMs = 20_000;

const whyUp = (server: string, seen: ServerSeen | Unknown): Why | null => {
  const up = `${server} is declared lost, and answers`;
  if (!isUnknown(seen)) return { code: 'lost-server-answers', why: up };
  return isSilent(seen) ? null : { code: 'lost-server-answers', why: `${up}: ${seen.why}` };
};

/** Those that answer though the plan counts on their silence. */
export const risen = (plan: Plan, observed: Observed): readonly Difference[] =>
  plan.fences.flatMap(({ server }) => {
    const seen = observed.get(server);
    const why = seen ? whyUp(server, seen) : null;
    return why === null ? [] : [{ subject: server, server, ...why }];
  });

/** `silent`: when the silence of each was read, in ms since 1970. */
export const openFencing = (
  { fences }: Plan,
  world: World,
  ledger: Ledger,
  readings: Readings,
  silent: ReadonlyMap<string, number>,
): Fencing => {
  const { clock, cancel } = world;
  const mask = maskOf(world.secrets);
  const run = async (line: string): Promise<{ readonly rc: number; readonly said: string }> => {
    const { rc, out } = await world.command(line, commandMs);
    const said = outputOf(mask(out));
    return { rc, said: `${line} ended with ${rc}${said && `: ${said}`}` };
  };

  const powerDown = async (server: string, off: string | null, status: string): Promise<Why | null> => {
    const since = clock.now();
    let asked = await run(status);
    if (asked.rc === 0) {
      ledger.fenced(server, `it was down already, as ${status} says`, since);
      return null;
    }
    const unsure = (why: string): Why => ({ code: 'fence-failed', why: `${server} is not known to be down${why}` });
    if (off === null) return unsure(`: ${asked.said}`);
    ledger.fencing(server, off);
    const order = await run(off);
    const end = clock.now() + downMs;
    for (;;) {
      asked = await run(status);
      if (asked.rc === 0) {
        ledger.fenced(server, `powered off by ${off}; ${status} says that it is down`, since);
        return null;
      }
      if (cancel.stop.aborted || cancel.detach.aborted)
        return { code: 'cancelled', why: `the run was cancelled before ${server} was down` };
      if (clock.now() >= end) break;
      await clock.sleep(askMs, cancel.stop);
    }
    const failed = order.rc === 0 ? `${off} ended with 0` : order.said;
    return unsure(` after ${formatDuration(downMs)}: ${failed}; ${asked.said}`);
  };

  const makeSure = async ({ server, off, status }: PlanFence): Promise<Why | null> => {
    if (clock.now() - (silent.get(server) ?? -Infinity) > silentMs) {
      const up = whyUp(server, await readings.read(server, 'domains', []));
      if (up !== null) return up;
    }
    return status === null ? null : powerDown(server, off, status);
  };

  const asked = new Map<string, Promise<Why | null>>();
  const once = (fence: PlanFence): Promise<Why | null> => {
    const before = asked.get(fence.server);
    if (before) return before;
    const since = clock.now();
    const answer = makeSure(fence).then((why) => {
      if (why !== null) ledger.unfenced(fence.server, why, since);
      return why;
    });
    asked.set(fence.server, answer);
    return answer;
  };

  return {
    bars: async (id) => {
      for (const fence of fences) {
        if (!fence.operations.includes(id)) continue;
        const why = await once(fence);
        if (why !== null) return why;
      }
      return null;
    },
  };
};
