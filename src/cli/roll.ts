/**
 * `reeve roll POOL`: one server after the other is emptied, treated, rebooted and taken back; the first failure stops it. Everything
 * is planned before the first server is touched, and the servers remember how far it is (`/etc/reeve/roll.json`), so that the next
 * run goes on where this one broke off.
 */
import { errandsOf, keepHeld, type World } from '../apply/index.ts';
import { isUnknown, unreadCode, type Control, type Reader } from '../core/port.ts';
import type { Farm, PoolSpec } from '../kinds/farm.ts';
import type { RollPlan } from '../kinds/roll-plan.ts';
import { identified } from '../kinds/server/identity.ts';
import { rollOptions, type RollRecord } from '../kinds/server/roll.ts';
import { seenOn, type Observed } from '../kinds/server/live.ts';
import type { ServerSpec } from '../kinds/server/spec.ts';
import type { Secrets } from '../kinds/toolstack.ts';
import { pathsToRead, planRoll, type RollOrder } from '../plan/index.ts';
import { refuses, renderRoll, rollJson } from '../report/roll.ts';
import { xl } from '../toolstacks/xl/index.ts';
import { holder, type Means } from './carry-out.ts';
import { exit, ExitError, type ExitCode } from './exit.ts';
import { load } from './load.ts';
import { originOf } from './origin.ts';
import { command, controlOf, readerOf } from './outside.ts';
import { checkPools, joined, readFarm, toolsOf, type Paths, type Source } from './pipeline.ts';
import { abandon } from './roll-abandon.ts';
import { homesOf, recordOn, sameStanding, standingOf, type RollFlags, type Standing } from './roll-standing.ts';
import { bringHome, mark, readPool, turn, unmark, type Rolling } from './rolling.ts';
import { namedByFarm, secretsToCompare, secretsToWrite } from './secrets.ts';
import { lookOf, say, type Shell } from './shell.ts';
import { waitingFor } from './waiting.ts';

/** What is read, and what is planned from that; nothing has been touched. */
interface Looked {
  readonly observed: Observed;
  readonly standing: Standing;
  readonly plan: RollPlan;
  readonly paths: Paths;
}

interface Question {
  readonly shell: Shell;
  readonly order: RollOrder;
  readonly pool: PoolSpec;
  readonly flags: RollFlags;
}

/** Throws where a server was not read, or a roll of something else has not ended. */
const look = async ({ shell, order, pool, flags }: Question, reader: Reader, from: Source): Promise<Looked> => {
  const { farm } = order;
  const planned = async (paths: Paths): Promise<Looked & { readonly asks: Paths }> => {
    const observed = await readFarm(shell, farm, [pool.name], reader, from, paths);
    checkRead(pool, observed);
    const standing = standingOf(farm, pool, observed, flags);
    const left = standing.left.map((s) => s.name);
    return { observed, standing, paths, ...planRoll(order, observed, left, homesOf(standing, flags.home)) };
  };
  const first = await planned(pathsToRead(farm));
  return first.asks.size === 0 ? first : planned(joined([first.paths, first.asks]));
};

const checkRead = (pool: PoolSpec, observed: Observed): void => {
  const unread = pool.servers.find((s) => s.state === 'active' && !seenOn(observed, s.name));
  if (!unread) return;
  const seen = observed.get(unread.name);
  throw new ExitError(
    exit.unread,
    `${unread.name} could not be read, and VMs may need to go there: ${isUnknown(seen) ? seen.why : 'it was not asked'}`,
    (isUnknown(seen) && seen.help) || 'nothing was touched; roll the pool when it answers',
    unreadCode(seen),
  );
};

/** Throws unless all of it can be done. */
const show = ({ shell, order, pool, flags }: Question, { plan, standing }: Looked): void => {
  const { begun, anew } = standing;
  if (begun) say(shell.err, `Going on with the roll of ${begun.roll}, begun by ${begun.by}.`);
  if (anew)
    say(
      shell.err,
      `The roll of ${anew.roll} (${rollOptions(anew)}) had not come to its first server: this one begins anew.`,
    );
  const style = lookOf(shell, shell.out, flags.color);
  const done = standing.done.map((s) => s.name);
  const told = { pool: pool.name, run: flags.run ?? null, reboot: flags.reboot, home: flags.home, done };
  shell.out.write(
    flags.json
      ? rollJson(plan, { tool: shell.version, farm: order.farm.name, ...told })
      : renderRoll(plan, { ...style, ...told }),
  );
  if (refuses(plan))
    throw new ExitError(
      exit.refused,
      'the roll is refused as a whole: not all of it can be done',
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

/** A roll as a person asks for it. */
export interface RollAsked {
  readonly shell: Shell;
  readonly farm: Farm;
  readonly pool: PoolSpec;
  readonly flags: RollFlags;
}

export interface RollMeans extends Means {
  readonly command: World['command'];
}

/** The whole of it over a control that is open; the caller closes it. */
export const runRoll = async (asked: RollAsked, means: RollMeans): Promise<ExitCode> => {
  const { shell, farm, pool, flags } = asked;
  const { control, secrets } = means;
  const order: RollOrder = { farm, pool: pool.name, allow: flags.allow, tools: toolsOf(shell, secrets) };
  const question: Question = { shell, order, pool, flags };
  const looked = await look(question, control, { ...flags, waited: waitingFor(shell, control) });
  show(question, looked);
  await agreed(shell, flags, '\nBegin? [y/N] ');
  const kept = keepHeld(control, () => holder(shell));
  await holdAll(
    kept.take,
    pool.servers.filter((s) => seenOn(looked.observed, s.name)),
  );
  const { begun, servers, homesOn } = looked.standing;
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
      who: holder(shell),
      tool: shell.version,
      origin: await means.origin,
      identify: (server, seen) => identified(pool.servers, farm.name, new Map([[server, seen]])).get(server) ?? seen,
    }),
    command: means.command,
    paths: looked.paths,
    roll: {
      roll: begun?.roll ?? id,
      by: begun?.by ?? `${shell.user}@${shell.host}`,
      run: flags.run ?? null,
      reboot: flags.reboot,
      home: flags.home,
      servers: servers.map((s) => s.name),
    },
    homesOn,
  };
  const now = await readPool(r);
  if (!sameStanding(looked.standing, standingOf(farm, pool, now, flags)))
    throw new ExitError(
      exit.stale,
      'another run has rolled the pool meanwhile; nothing was changed',
      'run it again: it looks anew',
      'object-changed',
    );
  return carryThrough(r, looked.standing, now);
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
export const lookOnly = async (
  { shell, farm, pool, flags }: RollAsked,
  reader: Reader,
  secrets: Secrets,
): Promise<ExitCode> => {
  const order: RollOrder = { farm, pool: pool.name, allow: flags.allow, tools: toolsOf(shell, secrets) };
  const question: Question = { shell, order, pool, flags };
  show(question, await look(question, reader, flags));
  return exit.done;
};

const dryRun = async (asked: RollAsked): Promise<ExitCode> => {
  const { shell, farm, pool, flags } = asked;
  const reader = await readerOf(shell, farm, flags);
  try {
    const secrets = await secretsToCompare(shell, namedByFarm(farm, { pools: [pool.name], targets: [] }));
    return await lookOnly(asked, reader, secrets);
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
  if (flags.dryRun && !flags.abandon) return dryRun({ shell, farm, pool, flags });
  const secrets = await secretsToWrite(shell, namedByFarm(farm, { pools: [name], targets: [] }));
  const control: Control = controlOf(
    shell,
    farm.pools.flatMap((p) => p.servers),
  );
  try {
    return flags.abandon
      ? await abandon({ shell, farm, pool, flags }, { control, origin })
      : await runRoll({ shell, farm, pool, flags }, { control, secrets, origin, command });
  } finally {
    await control.close();
  }
};
