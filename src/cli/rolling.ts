/** One server's turn in a roll: it is emptied, treated, rebooted and taken back, and each step stands in its record before it begins. */
import type { Errands, Kept, Undone, World } from '../apply/index.ts';
import { isUnknown } from '../core/port.ts';
import type { ReasonCode } from '../core/reason.ts';
import type { FileStep } from '../core/step.ts';
import type { Farm, PoolSpec } from '../kinds/farm.ts';
import type { Plan } from '../kinds/plan.ts';
import { rollPath, rollText, type RollRecord, type RollStage } from '../kinds/server/roll.ts';
import { seenOn, type Observed } from '../kinds/server/live.ts';
import type { ServerSpec } from '../kinds/server/spec.ts';
import { drainOf, makePlan, returnOf, startsOf, type RollOrder } from '../plan/index.ts';
import { xl } from '../toolstacks/xl/index.ts';
import { carryOut, type Means } from './carry-out.ts';
import { exit, ExitError } from './exit.ts';
import { observe } from './observe.ts';
import { planOptionsOf, type MakeFlags } from './options.ts';
import { readFarm, show, type Paths } from './pipeline.ts';
import { say, type Shell } from './shell.ts';

/** ms: a dom0 with a terabyte takes its time over its memory test; what it mounts at boot comes a little after it answers. */
const bootMs = 1_800_000;
const settleMs = 180_000;
const askMs = 5000;

export interface Rolling {
  readonly shell: Shell;
  readonly order: RollOrder;
  readonly pool: PoolSpec;
  readonly flags: MakeFlags;
  /** Its control keeps the servers held. */
  readonly means: Means;
  readonly take: Kept['take'];
  readonly errands: Errands;
  readonly command: World['command'];
  /** What is looked for on each server. */
  readonly paths: Paths;
  /** What all servers remember of the roll. */
  readonly roll: Omit<RollRecord, 'stage' | 'boot' | 'homes'>;
  /** The VMs of each server when the roll began, by server; none without `--home`. */
  readonly homesOn: ReadonlyMap<string, readonly string[]>;
}

/** What would help whoever stands before a roll that stopped. */
const goOn = ({ pool }: Rolling, server: string): string =>
  `once that is mended, run the same command again: it goes on with ${server}. To give the roll up: reeve roll ${pool.name} --abandon`;

const stop = (r: Rolling, server: string, { code, why, help }: Undone): never => {
  const about = help === undefined ? goOn(r, server) : `${help}; ${goOn(r, server)}`;
  throw new ExitError(exit.partly, `${server}: ${why}; the roll stops here`, about, code);
};

const stopFor = (r: Rolling, server: string, code: ReasonCode, why: string, help?: string): never =>
  stop(r, server, { code, why, help });

export const readPool = ({ shell, order, pool, means, flags, paths }: Rolling): Promise<Observed> =>
  readFarm(shell, order.farm, [pool.name], means.control, flags, paths);

const bootOf = async (r: Rolling, server: string): Promise<string | null> =>
  seenOn(await readPool(r), server)?.bootId ?? null;

/** Writes down how far a server is, before that step begins. */
export const mark = async (r: Rolling, server: string, stage: RollStage, boot: string | null = null): Promise<void> => {
  const record: RollRecord = { ...r.roll, stage, boot, homes: r.homesOn.get(server) ?? [] };
  const step: FileStep = {
    do: 'write',
    path: rollPath,
    bytes: new TextEncoder().encode(rollText(record)),
    mode: 0o600,
    onlyIf: 'any',
  };
  const undone = await r.errands.run(server, 'mark', step);
  if (undone) stop(r, server, { ...undone, why: `${rollPath} could not be written: ${undone.why}` });
};

export const unmark = async (r: Rolling, server: string): Promise<void> => {
  const undone = await r.errands.run(server, 'unmark', { do: 'remove', path: rollPath, onlyIf: 'any' });
  if (undone) stop(r, server, { ...undone, why: `${rollPath} could not be removed: ${undone.why}` });
};

/** `undone`: where it does not end well. */
const carry = async (r: Rolling, server: string, plan: Plan | null, undone: Undone): Promise<void> => {
  if (!plan || plan.operations.length === 0) return;
  const { shell, flags, means } = r;
  show(shell, plan, flags);
  const code = await carryOut(shell, plan, means, flags, shell.out);
  if (code === exit.cancelled)
    throw new ExitError(exit.cancelled, `${server}: the roll was cancelled`, goOn(r, server), 'cancelled');
  if (code !== exit.done) stop(r, server, { help: 'what failed is told above', ...undone });
};

const empty = async (r: Rolling, server: string): Promise<void> => {
  const drain = drainOf(r.order, await readPool(r), server);
  for (const x of drain.refused)
    say(r.shell.out, `${x.what}: ${x.why} (${x.code})${x.help === null ? '' : `; help: ${x.help}`}`);
  if (drain.refused.length > 0)
    stopFor(r, server, 'not-emptied', 'not every VM can leave it any more', 'see what is refused above');
  await carry(r, server, drain.moves, { code: 'not-emptied', why: 'it could not be emptied' });
  const down = `${drain.rides.join(', ')} could not be shut down in order; nothing was destroyed`;
  await carry(r, server, drain.stops, { code: 'not-emptied', why: down });
  const left = seenOn(await readPool(r), server)?.domains.map((d) => d.name) ?? ['something'];
  if (left.length > 0)
    stopFor(
      r,
      server,
      'not-emptied',
      `${left.join(', ')} is still on it`,
      'what is not managed has to be moved by hand',
    );
};

const at = ({ shell }: Rolling): string => new Date(shell.now()).toISOString();

/** A journal that cannot be written is no reason to stop. */
const tell = async (r: Rolling, server: string, verb: string, since: string, undone: Undone | null): Promise<void> => {
  const why = await r.errands.tell(server, { at: since, verb, undone });
  if (why !== null) say(r.shell.err, `warning: ${server}: its journal could not be written: ${why}`);
};

/** The lock is gone with the boot in which it was taken. */
const holdAnew = async (r: Rolling, server: string): Promise<void> => {
  for (let tries = 1; ; tries += 1) {
    const held = await r.take(server);
    if (held.is === 'held') return;
    if (held.is === 'busy')
      stopFor(r, server, 'server-held', `${held.by?.who ?? 'another run'} took its lock while it was rebooted`);
    else if (tries === 10) stop(r, server, { code: held.reason, why: held.why, help: held.help });
    await r.shell.sleep(askMs);
  }
};

const treat = async (r: Rolling, { name, address }: ServerSpec): Promise<void> => {
  const { run } = r.roll;
  if (run === null) return;
  const line = run.replaceAll('{server}', name).replaceAll('{address}', address);
  say(r.shell.out, `${name}: ${line}`);
  const before = await bootOf(r, name);
  const since = at(r);
  const { rc, out } = await r.command(line);
  if (out.trim() !== '') r.shell.out.write(`${out.trimEnd()}\n`);
  const undone: Undone | null =
    rc === 0 ? null : { code: 'treatment-failed', why: `the command of --run ended with ${rc}` };
  const boot = await bootOf(r, name);
  if (boot !== null && boot !== before) await holdAnew(r, name);
  if (boot !== null) await tell(r, name, 'treat', since, undone);
  if (undone) stop(r, name, { ...undone, why: `${line} ended with ${rc}` });
};

const onlyServer = (farm: Farm, server: string): Farm => ({
  ...farm,
  pools: farm.pools.map((p) => ({ ...p, servers: p.servers.filter((s) => s.name === server) })),
});

/** Comes back once it answers from another boot. */
const awaitBoot = async (r: Rolling, server: string, before: string): Promise<void> => {
  const { shell, order, pool, means, paths } = r;
  const one = onlyServer(order.farm, server);
  const end = shell.now() + bootMs;
  for (;;) {
    await shell.sleep(askMs);
    const watch = { reader: means.control, toolstack: xl, sleep: shell.sleep };
    const seen = (await observe(one, [pool.name], paths, watch)).get(server);
    if (seen && !isUnknown(seen) && seen.bootId !== before) return;
    if (isUnknown(seen) && (seen.reason === 'wrong-machine' || seen.reason === 'foreign'))
      stop(r, server, { code: seen.reason, why: `another machine answers in its place: ${seen.why}`, help: seen.help });
    if (shell.now() > end) stopFor(r, server, 'not-rebooted', 'it did not come back', 'look at its console');
  }
};

const reboot = async (r: Rolling, server: string, boot: string): Promise<void> => {
  say(r.shell.out, `${server}: rebooting`);
  const since = at(r);
  const undone = await r.errands.run(server, 'reboot', { do: 'exec', argv: ['reboot'], deadlineMs: 60_000 });
  if (undone) stop(r, server, { ...undone, why: `it could not be told to reboot: ${undone.why}` });
  await awaitBoot(r, server, boot);
  await holdAnew(r, server);
  await tell(r, server, 'reboot', since, null);
};

/** What the plan would still do to its repositories, by name. */
const lackingOn = (plan: Plan, server: string): readonly string[] =>
  plan.repositories.filter((x) => x.servers.some((s) => s.server === server)).map((x) => x.name);

const backPlan = async (r: Rolling): Promise<Plan> =>
  makePlan(r.order.farm, await readPool(r), { ...planOptionsOf(r.flags), pools: [r.pool.name] }, r.order.tools);

/** What was attached must be attached again before anything may come. `lacked`: what it did not have before. */
const takeBack = async (r: Rolling, server: string, lacked: readonly string[]): Promise<void> => {
  const end = r.shell.now() + settleMs;
  for (;;) {
    const plan = await backPlan(r);
    const broken = plan.refused.find((x) => x.subject.kind === 'repository' && x.what.endsWith(server));
    const unread = plan.unreadable.find((u) => u.server === server);
    const lost = lackingOn(plan, server).find((name) => !lacked.includes(name));
    const no =
      broken ??
      (unread && { code: unread.code, why: `it cannot be read: ${unread.why}` }) ??
      (lost === undefined
        ? null
        : {
            code: 'not-as-needed' as const,
            why: `repository ${lost} is not attached since its boot`,
            help: 'reeve apply attaches it',
          });
    if (!no) return;
    if (r.shell.now() > end) stopFor(r, server, no.code, no.why, ('help' in no && no.help) || undefined);
    await r.shell.sleep(askMs);
  }
};

/** What rode through the treatment comes up, in order, and is waited for where the file says how. */
const startRiders = async (r: Rolling, server: string): Promise<void> => {
  const plan = startsOf(r.order, await readPool(r), server);
  const [no] = plan?.refused ?? [];
  if (no) stopFor(r, server, no.code, `${no.what}: ${no.why}`, no.help ?? undefined);
  await carry(r, server, plan, { code: 'not-started', why: 'what rode through its treatment did not all come up' });
};

/** Who cannot come home now may do so after a later turn. In words: who is not home, and why. */
export const bringHome = async (r: Rolling, server: string): Promise<readonly string[]> => {
  const homes = new Map([...r.homesOn].flatMap(([home, keys]) => keys.map((key) => [key, home] as const)));
  if (homes.size === 0) return [];
  const plan = returnOf(r.order, await readPool(r), homes);
  await carry(r, server, plan, { code: 'not-home', why: 'not every VM came home' });
  return (plan?.refused ?? []).map((x) => `${x.what}: ${x.why} (${x.code})`);
};

/** `from`: what its record says; `boot`: of the record. Who is not home after it, in words. */
export const turn = async (
  r: Rolling,
  server: ServerSpec,
  from: RollStage,
  boot: string | null,
): Promise<readonly string[]> => {
  const { name } = server;
  const lacked = lackingOn(await backPlan(r), name);
  if (from === 'waiting' || from === 'emptying' || from === 'treating') {
    await mark(r, name, 'emptying');
    await empty(r, name);
    await mark(r, name, 'treating');
    await treat(r, server);
  }
  const now = await bootOf(r, name);
  if (!r.roll.reboot) await mark(r, name, 'returning');
  else if (from !== 'returning' && now !== null && (from !== 'rebooting' || now === boot)) {
    await mark(r, name, 'rebooting', now);
    if (from === 'rebooting') await empty(r, name);
    await reboot(r, name, now);
  }
  await takeBack(r, name, lacked);
  if (r.roll.reboot) await mark(r, name, 'returning');
  await startRiders(r, name);
  const away = await bringHome(r, name);
  await mark(r, name, 'done');
  say(r.shell.out, `${name}: done`);
  return away;
};
