/** Carries one operation out: conditions before, steps, conditions after, and what puts a failure right. */
import { isUnknown, type Unknown } from '../core/port.ts';
import { formatDuration } from '../core/quantity.ts';
import type { Condition, Lowered, Step } from '../core/step.ts';
import type { Operation } from '../kinds/plan.ts';
import { holds } from '../kinds/server/holds.ts';
import { peersOf } from '../kinds/operations.ts';
import type { ServerSeen } from '../kinds/server/live.ts';
import type { Peers } from '../kinds/toolstack.ts';
import { handsOn, longestPauseMs, type Judge, type Told, type Trouble } from './hands.ts';
import type { Readings, Scope } from './readings.ts';
import { doingOf } from './words.ts';
import type { World } from './world.ts';

/** How long a reading that contradicts the preconditions may be a moment's: a reboot, a domain on its way out, memory given back. */
const settleMs = 10_000;
const firstPauseMs = 250;

/** An NFS client may see for a moment what another server has changed already. */
const passes = (c: Condition): boolean => ['domain', 'name-free', 'room', 'store'].includes(c.is);
/** Bridges of Open vSwitch, and what the scheduler has, are only read with the whole server. */
const widely: ReadonlySet<Condition['is']> = new Set(['bridge', 'nic', 'sched', 'affinity']);
const scopeOf = (conditions: readonly Condition[]): Scope =>
  conditions.some((c) => widely.has(c.is)) ? 'all' : 'domains';

/** `seen`: of the operation's own server; `peers`: of the others that conditions ask. */
const firstUnmet = (
  conditions: readonly Condition[],
  seen: ServerSeen,
  peers: Peers,
): { readonly condition: Condition; readonly why: string } | null => {
  for (const condition of conditions) {
    const { server } = condition;
    const answer = server === undefined ? seen : peers.get(server);
    const why = answer ? holds(condition, answer) : 'it was not read';
    if (why !== true) return { condition, why: server === undefined ? why : `${server}: ${why}` };
  }
  return null;
};

const unread = (server: string, u: Unknown): Trouble => ({
  code: u.reason,
  why: `${server} could not be read: ${u.why}`,
  ...(u.help === undefined ? {} : { help: u.help }),
  ...(u.reason === 'lost' || u.reason === 'unreachable' ? { beyond: 'unreachable' } : {}),
});

/**
 * Null: done. `serial` makes the ids of its commands, unlike those of any other operation of the run; `told` hears how it
 * goes. Ends early, in trouble, when the run detaches.
 */
export const carryOut = async (
  { server, op }: Operation,
  serial: string,
  world: World,
  readings: Readings,
  told: Told,
): Promise<Trouble | null> => {
  const { clock, toolstack } = world;
  const { detach } = world.cancel;
  const paths = world.pathsOf(op);
  const { read, changing } = readings;
  const { say } = told;
  const hands = handsOn(server, serial, world, say);
  const others = peersOf(op);

  /** The other servers that it has to do with, or the first that could not be read. */
  const readPeers = async (
    look: typeof read,
    scope: Scope,
    of: readonly string[] = others,
  ): Promise<Peers | Trouble> => {
    const answers = await Promise.all(of.map(async (s) => [s, await look(s, scope, paths)] as const));
    const peers = new Map<string, ServerSeen>();
    for (const [s, seen] of answers) {
      if (isUnknown(seen)) return unread(s, seen);
      peers.set(s, seen);
    }
    return peers;
  };

  const prepare = async (): Promise<Trouble | { readonly lowered: Lowered; readonly seen: ServerSeen }> => {
    const end = clock.now() + settleMs;
    let scope: Scope = 'domains';
    let look = readings.recent;
    for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, longestPauseMs)) {
      const [seen, peers] = await Promise.all([look(server, scope, paths), readPeers(look, scope)]);
      look = read;
      let trouble: Trouble;
      let mayPass = true;
      if (isUnknown(seen)) trouble = unread(server, seen);
      else if ('why' in peers) trouble = { code: peers.code, why: peers.why };
      else {
        const lowered = toolstack.lower(op, seen, world.secrets, peers);
        // The first look may be at an older and shorter reading, so that one more is always taken.
        if ('unsupported' in lowered) {
          trouble = { code: 'not-doable', why: lowered.unsupported };
          mayPass = scope === 'domains';
        } else {
          const unmet = firstUnmet(lowered.before, seen, peers);
          if (!unmet) return { lowered, seen };
          trouble = { code: 'not-as-needed', why: unmet.why };
          mayPass = passes(unmet.condition) || scope === 'domains';
        }
        scope = 'all';
      }
      if (!mayPass || clock.now() >= end || detach.aborted) return trouble;
      say(trouble.why);
      await clock.sleep(pause, detach);
    }
  };

  /** Null once all hold; else why not, when the time is over. */
  const until = async (conditions: readonly Condition[], deadlineMs: number): Promise<Trouble | null> => {
    if (conditions.length === 0) return null;
    const end = clock.now() + deadlineMs;
    for (let pause = firstPauseMs; ; pause = Math.min(pause * 1.5, longestPauseMs)) {
      const scope = scopeOf(conditions);
      const asked = [...new Set(conditions.flatMap((c) => c.server ?? []))];
      const [seen, peers] = await Promise.all([read(server, scope, paths), readPeers(read, scope, asked)]);
      const trouble = isUnknown(seen)
        ? unread(server, seen)
        : 'why' in peers
          ? { code: peers.code, why: peers.why }
          : firstUnmet(conditions, seen, peers);
      if (!trouble) return null;
      const left = end - clock.now();
      if (left <= 0 || detach.aborted) {
        return isUnknown(seen)
          ? unread(server, seen)
          : { code: 'not-seen', why: `${trouble.why} (after ${formatDuration(deadlineMs)})` };
      }
      say(trouble.why);
      await clock.sleep(Math.min(pause, left), detach);
    }
  };

  const attempt = async (step: Step, judge: Judge): Promise<Trouble | null> => {
    switch (step.do) {
      case 'exec':
        say(doingOf(step));
        return changing(server, () => hands.exec(step, judge), step.alone);
      case 'write':
      case 'remove':
        say(doingOf(step));
        return changing(server, () => hands.file(step));
      case 'upload':
        say(doingOf(step));
        return changing(server, () => hands.upload(step));
      case 'probe':
        say(doingOf(step));
        return hands.probe(step);
      case 'await': {
        const late = await until([step.until], step.deadlineMs);
        if (!late) {
          for (const news of hands.news()) told.warn(news);
          return null;
        }
        if (step.otherwise.length === 0) return step.help === undefined ? late : { ...late, help: step.help };
        say(late.why);
        const trouble = await runAll(step.otherwise, 'result');
        if (!trouble || trouble.beyond || detach.aborted) return trouble;
        // What was to be forced may have come about by itself, and made the force fail.
        return (await until([step.until], settleMs)) && trouble;
      }
    }
  };

  const runAll = async (steps: readonly Step[], judge: Judge): Promise<Trouble | null> => {
    for (const [i, step] of steps.entries()) {
      if (detach.aborted) return { code: 'detached', why: 'detached' };
      const last = steps.slice(i + 1).every((s) => s.do === 'await');
      const trouble = await attempt(step, last ? judge : 'result');
      if (trouble) return trouble;
    }
    return null;
  };

  const rescue = async (trouble: Trouble, before: ServerSeen): Promise<Trouble> => {
    if (trouble.beyond || detach.aborted) return trouble;
    const now = await read(server, 'all', paths);
    if (isUnknown(now))
      return { ...trouble, why: `${trouble.why}; ${unread(server, now).why}, so nothing was put right` };
    const peers = await readPeers(read, 'all');
    const stands = toolstack.verdict(op, now, 'why' in peers ? new Map() : peers);
    const steps = toolstack.rescue(op, before, now);
    if (steps.length === 0) return stands === null ? trouble : { ...trouble, why: `${trouble.why}; ${stands}` };
    const did = steps
      .filter((s) => s.do !== 'await')
      .map(doingOf)
      .join(', ');
    say(`putting it right: ${did}`);
    const worse = await runAll(steps, 'result');
    if (!worse) return { ...trouble, why: `${trouble.why}; put right by: ${did}` };
    return {
      ...trouble,
      ...worse,
      code: trouble.code,
      why: `${trouble.why}; and it could not be put right (${did}): ${worse.why}`,
    };
  };

  const ready = await prepare();
  if ('why' in ready) return ready;
  const { steps, after, afterMs } = ready.lowered;
  const trouble = (await runAll(steps, after.length > 0 ? 'conditions' : 'result')) ?? (await until(after, afterMs));
  if (!trouble) return null;
  return rescue({ ...trouble, why: [...hands.lost, trouble.why].join('; ') }, ready.seen);
};
