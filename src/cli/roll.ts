/**
 * `reeve roll POOL`: one server after the other is emptied, treated, rebooted and taken back; the first failure stops it. Each server
 * keeps in /etc/reeve/roll.json how far the roll is, so that the next run goes on where this one broke off.
 */
import { unreadCode, type Control } from '../core/port.ts';
import { errand } from '../apply/index.ts';
import type { ReasonCode } from '../core/reason.ts';
import type { ExecStep, FileStep } from '../core/step.ts';
import type { Farm, PoolSpec } from '../kinds/farm.ts';
import type { Plan } from '../kinds/plan.ts';
import { seenOn, type Observed, type ServerSeen } from '../kinds/server/live.ts';
import type { ServerSpec } from '../kinds/server/spec.ts';
import type { Origin } from '../kinds/server/journal.ts';
import type { Secrets } from '../kinds/toolstack.ts';
import { makePlan, match, pathsToRead } from '../plan/index.ts';
import { xl } from '../toolstacks/xl/index.ts';
import { carryOut, holder } from './carry-out.ts';
import { exit, ExitError, type ExitCode } from './exit.ts';
import { load } from './load.ts';
import { observe } from './observe.ts';
import { planOptionsOf, type CommonFlags, type ShapeFlags } from './options.ts';
import { originOf } from './origin.ts';
import { command, controlOf } from './outside.ts';
import { checkPools, readFarm, show, toolsOf } from './pipeline.ts';
import { namedByFarm, secretsToWrite } from './secrets.ts';
import { say, type Shell } from './shell.ts';
import { waitingFor } from './waiting.ts';

/** Those that a person gives. */
export interface RollOwnFlags extends Pick<ShapeFlags, 'allow'>, CommonFlags {
  readonly run?: string;
  readonly reboot: boolean;
  readonly yes: boolean;
}

export type RollFlags = RollOwnFlags & ShapeFlags;

/** ms: a dom0 with a terabyte takes its time over its memory test. */
const bootMs = 1_800_000;
const askMs = 5000;

const rollPath = '/etc/reeve/roll.json';

interface Round {
  readonly shell: Shell;
  readonly farm: Farm;
  readonly pool: PoolSpec;
  readonly flags: RollFlags;
  readonly control: Control;
  readonly secrets: Secrets;
  readonly origin: Promise<Origin>;
  /** The roll that this run begins or goes on with. */
  readonly id: string;
}

const stop = (server: string, code: ReasonCode, why: string, help?: string): never => {
  throw new ExitError(
    exit.partly,
    `${server}: ${why}; the roll stops here`,
    help ?? 'run it again when that is mended: it goes on with this server',
    code,
  );
};

/** Under the server's lock. */
const doOn = async (
  { shell, control }: Round,
  server: string,
  step: ExecStep | FileStep,
  what: string,
): Promise<void> => {
  const undone = await errand(control, server, holder(shell), 'roll', step);
  if (undone) stop(server, undone.code, `${what}: ${undone.why}`, undone.help);
};

const writeFile = async (round: Round, server: string, step: FileStep): Promise<void> =>
  doOn(round, server, step, `${step.path} could not be written`);

const remember = ({ id }: Round, done: boolean): FileStep => ({
  do: 'write',
  path: rollPath,
  bytes: new TextEncoder().encode(`${JSON.stringify({ format: 1, roll: id, done })}\n`),
  mode: 0o644,
  onlyIf: 'any',
});

/** The same farm, with one server drained. */
const draining = (farm: Farm, server: string): Farm => ({
  ...farm,
  pools: farm.pools.map((p) => ({
    ...p,
    servers: p.servers.map((s): ServerSpec => (s.name === server ? { ...s, state: 'maintenance' } : s)),
  })),
});

/** The VMs of the file that are on the server. */
const vmsOn = (farm: Farm, observed: Observed, server: string): readonly string[] =>
  [...match(farm, observed, []).of].flatMap(([key, m]) =>
    m.is === 'matched' && m.found.server === server && m.found.live.domain ? [key] : [],
  );

const read = ({ shell, farm, pool, control }: Round): Promise<Observed> =>
  readFarm(shell, farm, [pool.name], control, { waited: waitingFor(shell, control) });

const drain = async (round: Round, server: string): Promise<void> => {
  const { shell, farm, pool, flags, control, secrets, origin } = round;
  const observed = await read(round);
  const targets = vmsOn(farm, observed, server);
  const options = { ...planOptionsOf(flags), pools: [pool.name], targets };
  const empty = (seen: Observed): boolean => (seenOn(seen, server)?.domains.length ?? 1) === 0;
  if (targets.length > 0) {
    const plan: Plan = makePlan(draining(farm, server), observed, options, toolsOf(shell, secrets));
    show(shell, plan, flags);
    if (plan.refused.length > 0) stop(server, 'not-emptied', 'not every VM can leave it', 'see what is refused above');
    if (plan.operations.length > 0) {
      const code = await carryOut(shell, plan, { control, secrets, origin }, flags, shell.out);
      if (code !== exit.done) stop(server, 'not-emptied', 'it could not be emptied');
    }
  }
  const after = await read(round);
  if (!empty(after))
    stop(
      server,
      'not-emptied',
      `${
        seenOn(after, server)
          ?.domains.map((d) => d.name)
          .join(', ') ?? 'something'
      } is still on it`,
      'what is not managed has to be moved by hand',
    );
};

const treat = async ({ shell, flags }: Round, { name, address }: ServerSpec): Promise<void> => {
  if (flags.run === undefined) return;
  const line = flags.run.replaceAll('{server}', name).replaceAll('{address}', address);
  say(shell.out, `${name}: ${line}`);
  const { rc, out } = await command(line);
  if (out.trim() !== '') shell.out.write(`${out.trimEnd()}\n`);
  if (rc !== 0) stop(name, 'treatment-failed', `${line} ended with ${rc}`);
};

const reboot = async (round: Round, server: string, before: ServerSeen): Promise<void> => {
  const { shell, farm, control } = round;
  say(shell.out, `${server}: rebooting`);
  const step = { do: 'exec', argv: ['reboot'], deadlineMs: 60_000 } as const;
  await doOn(round, server, step, 'it could not be told to reboot');
  const end = shell.now() + bootMs;
  const paths = pathsToRead(farm);
  const one: Farm = {
    ...farm,
    pools: farm.pools.map((p) => ({ ...p, servers: p.servers.filter((s) => s.name === server) })),
  };
  for (;;) {
    await shell.sleep(askMs);
    const seen = seenOn(
      await observe(one, [round.pool.name], paths, { reader: control, toolstack: xl, sleep: shell.sleep }),
      server,
    );
    if (seen && seen.bootId !== before.bootId) return;
    if (shell.now() > end) stop(server, 'not-rebooted', 'it did not come back', 'look at its console');
  }
};

/** What was attached must be attached again before anything may come. */
const takeBack = async (round: Round, server: string): Promise<void> => {
  const { shell, farm, pool, secrets, flags } = round;
  const observed = await read(round);
  const plan = makePlan(farm, observed, { ...planOptionsOf(flags), pools: [pool.name] }, toolsOf(shell, secrets));
  const broken = plan.refused.find((r) => r.subject.kind === 'repository' && r.what.endsWith(server));
  const unread = plan.unreadable.find((u) => u.server === server);
  const no = broken ?? (unread && { code: unread.code, why: 'it cannot be read' });
  if (no) stop(server, no.code, no.why);
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
  if (flags.run === undefined && !flags.reboot)
    throw new ExitError(exit.error, 'nothing would be done to the servers', 'add --run SCRIPT, --reboot, or both');
  const servers = pool.servers.filter((s) => s.state === 'active');
  const secrets = await secretsToWrite(shell, namedByFarm(farm, { pools: [name], targets: [] }));
  const control = controlOf(
    shell,
    farm.pools.flatMap((p) => p.servers),
  );
  try {
    const observed = await readFarm(shell, farm, [name], control, { waited: waitingFor(shell, control) });
    const unread = servers.find((s) => !seenOn(observed, s.name));
    if (unread)
      stop(
        unread.name,
        unreadCode(observed.get(unread.name)),
        'it could not be read, and its VMs may need to go there',
      );
    const begun = servers.flatMap((s) => seenOn(observed, s.name)?.roll ?? []);
    const id =
      begun[0]?.roll ?? `${new Date(shell.now()).toISOString()}-${Buffer.from(shell.random(4)).toString('hex')}`;
    const isDone = (s: ServerSpec): boolean => {
      const at = seenOn(observed, s.name)?.roll;
      return at?.roll === id && at.done;
    };
    const left = servers.filter((s) => !isDone(s));
    const done = servers.filter(isDone);
    if (done.length > 0)
      say(shell.out, `Going on with the roll of ${id}: ${done.map((s) => s.name).join(', ')} done already.`);
    const does = [...(flags.run === undefined ? [] : [flags.run]), ...(flags.reboot ? ['reboot'] : [])].join(', then ');
    say(
      shell.out,
      `Pool ${name}, one after the other: ${left.map((s) => s.name).join(', ')}: move its VMs away, ${does}, take it back.`,
    );
    if (!flags.yes) {
      const answer = shell.ask ? await shell.ask('Begin? [y/N] ', false) : null;
      if (!/^y(es)?$/i.test(answer?.trim() ?? ''))
        throw new ExitError(
          exit.error,
          'nothing was changed',
          shell.ask ? undefined : 'add --yes to begin without being asked',
          'not-confirmed',
        );
    }
    const round: Round = { shell, farm, pool, flags, control, secrets, origin, id };
    for (const s of left) await writeFile(round, s.name, remember(round, false));
    for (const s of left) {
      await drain(round, s.name);
      await treat(round, s);
      const seen = seenOn(await read(round), s.name);
      if (flags.reboot && seen) await reboot(round, s.name, seen);
      await takeBack(round, s.name);
      await writeFile(round, s.name, remember(round, true));
      say(shell.out, `${s.name}: done`);
    }
    for (const s of servers) await writeFile(round, s.name, { do: 'remove', path: rollPath, onlyIf: 'any' });
    shell.out.write(`Pool ${name}: all ${servers.length} servers done.\n`);
    return exit.done;
  } finally {
    await control.close();
  }
};
