/**
 * `reeve roll POOL`: one server after the other is emptied, treated, rebooted and taken back; the first failure stops it. Everything
 * is planned before the first server is touched, and the servers remember how far it is (`/etc/reeve/roll.json`), so that the next
 * run goes on where this one broke off.
 */
import { errandsOf, keepHeld, type World } from '../apply/index.ts';
import { isUnknown, unreadCode, type Control } from '../core/port.ts';
import type { Farm, PoolSpec } from '../kinds/farm.ts';
import { identified } from '../kinds/server/identity.ts';
import { rollOptions, type RollRecord } from '../kinds/server/roll.ts';
import { seenOn, type Observed } from '../kinds/server/live.ts';
import type { ServerSpec } from '../kinds/server/spec.ts';
import { planRoll, rollIn, runningOf, type RollOrder } from '../plan/index.ts';
import { renderRoll, rollJson } from '../report/roll.ts';
import { xl } from '../toolstacks/xl/index.ts';
import { holder, type Means } from './carry-out.ts';
import { exit, ExitError, type ExitCode } from './exit.ts';
import { load } from './load.ts';
import type { CommonFlags, ShapeFlags, SourceFlags } from './options.ts';
import { originOf } from './origin.ts';
import { command, controlOf, readerOf } from './outside.ts';
import { checkPools, readFarm, toolsOf } from './pipeline.ts';
import { abandon } from './roll-abandon.ts';
import { bringHome, mark, readPool, turn, unmark, type Rolling } from './rolling.ts';
import { namedByFarm, secretsToCompare, secretsToWrite } from './secrets.ts';
import { lookOf, say, type Shell } from './shell.ts';
import { waitingFor } from './waiting.ts';

/** Those that a person gives. */
export interface RollOwnFlags extends Pick<ShapeFlags, 'allow'>, CommonFlags, Pick<SourceFlags, 'readTimeout'> {
  readonly run?: string;
  readonly reboot: boolean;
  readonly home: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly abandon: boolean;
  readonly yes: boolean;
}

export type RollFlags = RollOwnFlags & ShapeFlags;

/** Where a roll stands before this run does anything. */
interface Standing {
  /** The servers of the roll, in their order. */
  readonly servers: readonly ServerSpec[];
  readonly left: readonly ServerSpec[];
  readonly done: readonly ServerSpec[];
  /** The one that is gone on with; null: it begins. */
  readonly begun: RollRecord | null;
  readonly homesOn: ReadonlyMap<string, readonly string[]>;
}

const recordOn = (observed: Observed, server: string): RollRecord | null => seenOn(observed, server)?.roll ?? null;

/** Throws where a roll of something else has begun and not ended. */
const begunIn = (shell: Shell, pool: PoolSpec, observed: Observed, flags: RollFlags): RollRecord | null => {
  const seen = rollIn(pool, observed);
  if (!seen) return null;
  const { record, stages } = seen;
  const wanted = { run: flags.run ?? null, reboot: flags.reboot, home: flags.home };
  if (record.run === wanted.run && record.reboot === wanted.reboot && record.home === wanted.home) return record;
  if (stages.every((s) => s.stage === 'waiting')) {
    say(
      shell.err,
      `The roll of ${record.roll} (${rollOptions(record)}) had not begun its first server: this one begins anew.`,
    );
    return null;
  }
  throw new ExitError(
    exit.refused,
    `pool ${pool.name} has a roll of ${record.roll} by ${record.by} that did not end, with other options: ${rollOptions(record)}`,
    `run that again to go on with it, once you know that command; or give it up: reeve roll ${pool.name} --abandon`,
    'roll-differs',
  );
};

/** The VMs of the file by the servers on which they run. */
const placesOf = (farm: Farm, observed: Observed): ReadonlyMap<string, readonly string[]> => {
  const places = new Map<string, string[]>();
  for (const [key, { server }] of runningOf(farm, observed)) places.set(server, [...(places.get(server) ?? []), key]);
  return places;
};

const standingOf = (
  farm: Farm,
  pool: PoolSpec,
  observed: Observed,
  begun: RollRecord | null,
  home: boolean,
): Standing => {
  const servers = pool.servers.filter((s) => s.state === 'active');
  const own = (s: ServerSpec): RollRecord | null => {
    const record = recordOn(observed, s.name);
    return record && record.roll === begun?.roll ? record : null;
  };
  // The last step takes the records away: where all that are left say done, it broke off there.
  const told = servers.flatMap((s) => own(s) ?? []);
  const ended = told.length > 0 && told.every((t) => t.stage === 'done');
  const isDone = (s: ServerSpec): boolean =>
    own(s)?.stage === 'done' || (ended && own(s) === null && begun?.servers.includes(s.name) === true);
  const homesOn = new Map(
    !home
      ? []
      : begun
        ? pool.servers.flatMap((s) => [[s.name, own(s)?.homes ?? []] as const])
        : [...placesOf(farm, observed)].filter(([server]) => pool.servers.some((s) => s.name === server)),
  );
  return { servers, left: servers.filter((s) => !isDone(s)), done: servers.filter(isDone), begun, homesOn };
};

const homesOf = ({ homesOn }: Standing, home: boolean): ReadonlyMap<string, string> | null =>
  home ? new Map([...homesOn].flatMap(([server, keys]) => keys.map((key) => [key, server] as const))) : null;

const unreadIn = (pool: PoolSpec, observed: Observed): ServerSpec | undefined =>
  pool.servers.find((s) => s.state === 'active' && !seenOn(observed, s.name));

/** Throws unless every server was read and can be emptied; nothing has been touched. */
const check = (
  shell: Shell,
  order: RollOrder,
  observed: Observed,
  standing: Standing,
  flags: RollFlags,
  pool: PoolSpec,
): void => {
  const unread = unreadIn(pool, observed);
  if (unread) {
    const seen = observed.get(unread.name);
    throw new ExitError(
      exit.unread,
      `${unread.name} could not be read, and VMs may need to go there: ${isUnknown(seen) ? seen.why : 'it was not asked'}`,
      (isUnknown(seen) && seen.help) || 'nothing was touched; roll the pool when it answers',
      unreadCode(seen),
    );
  }
  const plan = planRoll(
    order,
    observed,
    standing.left.map((s) => s.name),
    homesOf(standing, flags.home),
  );
  const look = lookOf(shell, shell.out, flags.color);
  const done = standing.done.map((s) => s.name);
  const does = { run: flags.run ?? null, reboot: flags.reboot, home: flags.home };
  const told = { pool: pool.name, ...does, done };
  shell.out.write(
    flags.json
      ? rollJson(plan, { tool: shell.version, farm: order.farm.name, ...told })
      : renderRoll(plan, { ...look, ...told }),
  );
  if (plan.refused.length > 0)
    throw new ExitError(
      exit.refused,
      'the roll is refused as a whole: not every server can be emptied',
      undefined,
      'not-emptied',
    );
};

const agreed = async (shell: Shell, flags: RollFlags, question: string): Promise<void> => {
  if (flags.yes) return;
  const answer = shell.ask ? await shell.ask(question, false) : null;
  if (!/^y(es)?$/i.test(answer?.trim() ?? ''))
    throw new ExitError(
      exit.error,
      'nothing was changed',
      shell.ask ? undefined : 'add --yes to begin without being asked',
      'not-confirmed',
    );
};

/** Throws where somebody else has one of the servers: two runs never do something to one pool at once. */
const holdAll = async (take: Rolling['take'], servers: readonly ServerSpec[]): Promise<void> => {
  for (const { name } of servers) {
    const held = await take(name);
    if (held.is === 'held') continue;
    if (isUnknown(held)) throw new ExitError(exit.unread, `${name}: ${held.why}`, held.help, held.reason);
    const by = held.by ? `${held.by.who}, since ${held.by.since}, from ${held.by.from}` : 'another run';
    throw new ExitError(
      exit.error,
      `${name} is held by ${by}; nothing was changed`,
      `wait until that has ended, or look at it: reeve unlock ${name}`,
      'server-held',
    );
  }
};

export interface RollMeans extends Means {
  readonly command: World['command'];
}

/** What was agreed to is what is done: nothing may have changed since in who has had its turn. */
const sameStanding = (a: Standing, b: Standing): boolean => {
  const text = (s: Standing): string => JSON.stringify([s.begun, s.left.map((x) => x.name)]);
  return text(a) === text(b);
};

/** The whole of it over a control that is open; the caller closes it. */
export const runRoll = async (
  shell: Shell,
  farm: Farm,
  pool: PoolSpec,
  flags: RollFlags,
  means: RollMeans,
): Promise<ExitCode> => {
  const { control, secrets } = means;
  const order: RollOrder = { farm, pool: pool.name, allow: flags.allow, tools: toolsOf(shell, secrets) };
  const source = { ...flags, waited: waitingFor(shell, control) };
  const observed = await readFarm(shell, farm, [pool.name], control, source);
  const standing = standingOf(farm, pool, observed, begunIn(shell, pool, observed, flags), flags.home);
  if (standing.begun)
    say(shell.out, `Going on with the roll of ${standing.begun.roll}, begun by ${standing.begun.by}.`);
  check(shell, order, observed, standing, flags, pool);
  await agreed(shell, flags, '\nBegin? [y/N] ');
  const who = holder(shell);
  const kept = keepHeld(control, () => holder(shell));
  await holdAll(
    kept.take,
    pool.servers.filter((s) => seenOn(observed, s.name)),
  );
  const { begun, servers } = standing;
  const id = `${new Date(shell.now()).toISOString()}-${Buffer.from(shell.random(4)).toString('hex')}`;
  const r: Rolling = {
    shell,
    order,
    pool,
    flags,
    means: { control: kept.control, secrets, origin: means.origin },
    take: kept.take,
    errands: errandsOf({
      control: kept.control,
      toolstack: xl,
      clock: { now: shell.now, sleep: shell.sleep },
      who,
      tool: shell.version,
      origin: await means.origin,
      identify: (server, seen) => identified(pool.servers, farm.name, new Map([[server, seen]])).get(server) ?? seen,
    }),
    command: means.command,
    roll: {
      roll: begun?.roll ?? id,
      by: begun?.by ?? `${shell.user}@${shell.host}`,
      run: flags.run ?? null,
      reboot: flags.reboot,
      home: flags.home,
      servers: servers.map((s) => s.name),
    },
    homesOn: standing.homesOn,
  };
  const now = await readPool(r);
  const again = standingOf(farm, pool, now, begunIn(shell, pool, now, flags), flags.home);
  if (!sameStanding(standing, again))
    throw new ExitError(
      exit.stale,
      'another run has rolled the pool meanwhile; nothing was changed',
      'run it again: it looks anew',
      'object-changed',
    );
  return carryThrough(r, standing, now);
};

const carryThrough = async (r: Rolling, { servers, left, begun }: Standing, now: Observed): Promise<ExitCode> => {
  const { shell, pool } = r;
  const recordOf = (s: ServerSpec): RollRecord | null => {
    const record = recordOn(now, s.name);
    return record && record.roll === begun?.roll ? record : null;
  };
  for (const s of left) if (!recordOf(s)) await mark(r, s.name, 'waiting');
  let away: readonly string[] = [];
  for (const s of left) away = await turn(r, s, recordOf(s)?.stage ?? 'waiting', recordOf(s)?.boot ?? null);
  const last = servers.at(-1);
  if (left.length === 0 && last) away = await bringHome(r, last.name);
  for (const s of servers) await unmark(r, s.name);
  shell.out.write(`Pool ${pool.name}: all ${servers.length} servers done.\n`);
  if (away.length === 0) return exit.done;
  for (const text of away) say(shell.out, `not home: ${text}`);
  throw new ExitError(exit.refused, 'not every VM could come home', undefined, 'not-home');
};

/** Reads only. */
const dryRun = async (shell: Shell, farm: Farm, pool: PoolSpec, flags: RollFlags): Promise<ExitCode> => {
  const reader = await readerOf(shell, farm, flags);
  try {
    const secrets = await secretsToCompare(shell, namedByFarm(farm, { pools: [pool.name], targets: [] }));
    const order: RollOrder = { farm, pool: pool.name, allow: flags.allow, tools: toolsOf(shell, secrets) };
    const observed = await readFarm(shell, farm, [pool.name], reader, flags);
    const standing = standingOf(farm, pool, observed, begunIn(shell, pool, observed, flags), flags.home);
    check(shell, order, observed, standing, flags, pool);
    return exit.done;
  } finally {
    await reader.close();
  }
};

export const roll = async (
  shell: Shell,
  name: string,
  paths: readonly string[],
  flags: RollFlags,
): Promise<ExitCode> => {
  const farm = await load(shell, paths, flags);
  const origin = originOf(shell, paths);
  checkPools(farm, [name]);
  const pool = farm.pools.find((p) => p.name === name);
  if (!pool) return exit.error;
  if (!flags.abandon && flags.run === undefined && !flags.reboot)
    throw new ExitError(exit.error, 'nothing would be done to the servers', 'add --run COMMAND, --reboot, or both');
  if (flags.dryRun && !flags.abandon) return dryRun(shell, farm, pool, flags);
  const secrets = await secretsToWrite(shell, namedByFarm(farm, { pools: [name], targets: [] }));
  const control: Control = controlOf(
    shell,
    farm.pools.flatMap((p) => p.servers),
  );
  try {
    return flags.abandon
      ? await abandon(shell, farm, pool, flags, { control, secrets, origin })
      : await runRoll(shell, farm, pool, flags, { control, secrets, origin, command });
  } finally {
    await control.close();
  }
};
