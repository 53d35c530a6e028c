/** Carries a plan out: holds the servers, looks whether the plan is still true, and runs its graph. */
import { setMaxListeners } from 'node:events';
import { isUnknown, type Control, type Unknown } from '../core/port.ts';
import { byText } from '../core/order.ts';
import { refKey } from '../core/ref.ts';
import { storeOfImage } from '../kinds/repository/live.ts';
import { peersOf } from '../kinds/operations.ts';
import type { Operation, Plan } from '../kinds/plan.ts';
import { identified } from '../kinds/server/identity.ts';
import type { Observed } from '../kinds/server/live.ts';
import { openFencing, risen, type Fencing } from './fencing.ts';
import { openJournal } from './journal.ts';
import { openLedger, type Ledger } from './ledger.ts';
import type { Told, Trouble } from './hands.ts';
import { carryOut } from './operation.ts';
import type { Outcome, Why } from './outcome.ts';
import { shareReadings, type Readings } from './readings.ts';
import { limitsOf, takeTurns } from './turns.ts';
import { heldBy, outOfReach, outputOf } from './words.ts';
import type { Difference, World } from './world.ts';

/** What a run learns while it goes, beside where its operations stand. */
interface Run {
  readonly plan: Plan;
  readonly world: World;
  readonly ledger: Ledger;
  readonly readings: Readings;
  /** When each lost server was asked in vain, in ms since 1970. */
  readonly silent: Map<string, number>;
  /** Why nothing may be done on these servers. */
  readonly shut: Map<string, Why>;
  /** Why nothing more of these lanes is begun. */
  readonly stopped: Map<string, Why>;
  /** Why no more operations are started. */
  halted: Why | null;
  fenced: string | null;
  /** An exception in this program: told once nothing runs any more. */
  bug: { readonly error: unknown } | null;
}

type Held = Awaited<ReturnType<Control['hold']>>;

const aborted = (signal: AbortSignal): Promise<'aborted'> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve('aborted');
    else signal.addEventListener('abort', () => resolve('aborted'), { once: true });
  });

const serversOf = (all: readonly { readonly server: string }[]): readonly string[] =>
  [...new Set(all.map((x) => x.server))].sort(byText);

const cancelled: Why = { code: 'cancelled', why: 'the run was cancelled before it began' };

const outOfReachOf = (server: string, u: Unknown): Why => ({ code: u.reason, why: outOfReach(server, u) });

/** An address may have been pointed elsewhere since the plan was made: then nothing is done anywhere. */
const wrongMachines = (observed: Observed): readonly Difference[] =>
  [...observed].flatMap(([server, seen]) =>
    isUnknown(seen) && (seen.reason === 'wrong-machine' || seen.reason === 'foreign')
      ? [
          {
            subject: server,
            server,
            code: seen.reason,
            why: `${server} is not the server that the plan is for: ${seen.why}`,
          },
        ]
      : [],
  );

const askLockMs = 5000;

/** Asks for a server's lock until it is let go of, or it is too late. Null: cancelled meanwhile. */
const holdOne = async ({ world, ledger }: Run, server: string, until: number): Promise<Held | null> => {
  const { control, cancel, clock, who } = world;
  const stopped = aborted(cancel.stop);
  while (!cancel.stop.aborted) {
    const answer = await Promise.race([control.hold(server, who), stopped]);
    if (answer === 'aborted') break;
    const left = until - clock.now();
    if (answer.is !== 'busy' || left <= 0) return answer;
    ledger.waiting(server, heldBy(server, answer.by));
    await clock.sleep(Math.min(askLockMs, left), cancel.stop);
  }
  return null;
};

/**
 * Locks every server in scope, in one order for all runs, so that two that wait never wait for each other; those that are not the
 * machine that they were. Null: cancelled meanwhile.
 */
const holdServers = async (run: Run): Promise<readonly Difference[] | null> => {
  const answers = new Map<string, Unknown>();
  const until = run.world.clock.now() + (run.world.waitMs ?? 0);
  const scope = run.plan.scope.map((server) => ({ server }));
  for (const server of serversOf([...run.plan.operations, ...scope])) {
    const answer = await holdOne(run, server, until);
    if (answer === null) return null;
    if (isUnknown(answer)) answers.set(server, answer);
    if (answer.is === 'held') run.ledger.held(server);
    else if (answer.is === 'busy') run.shut.set(server, { code: 'server-held', why: heldBy(server, answer.by) });
    else run.shut.set(server, outOfReachOf(server, answer));
  }
  return wrongMachines(answers);
};

/** Reads what the plan touches again, and asks the lost servers whose VMs it starts, all at once. */
const readTouched = async (run: Run): Promise<Observed> => {
  const peers = run.plan.operations.flatMap(({ op }) => peersOf(op).map((server) => ({ server })));
  const needed = serversOf([...run.plan.operations, ...run.plan.touched, ...peers]);
  const servers = needed.filter((s) => !run.shut.has(s));
  const storesOn = (server: string): readonly string[] =>
    run.plan.touched.flatMap(({ server: on, subject: { kind }, name }) => {
      if (on !== server || (kind !== 'repository' && kind !== 'image')) return [];
      return [`${kind === 'image' ? storeOfImage(name) : name}/`];
    });
  const lost = run.plan.fences.map(async ({ server }) => {
    const seen = await run.readings.read(server, 'domains', []);
    run.silent.set(server, run.world.clock.now());
    return [server, seen] as const;
  });
  const all = servers.map(async (s) => [s, await run.readings.read(s, 'all', storesOn(s))] as const);
  return new Map(await Promise.all([...all, ...lost]));
};

const takesDown = ({ op }: Operation): boolean => op.verb === 'restart' || op.verb === 'stop' || op.verb === 'suspend';

/** A VM of its lane did not come back: no more of them are taken down. */
const stopLane = ({ plan, stopped }: Run, o: Operation, how: 'failed' | 'was skipped'): void => {
  const lane = plan.lanes.find((l) => l.id === o.lane);
  if (lane?.stopOnFailure && !stopped.has(lane.id))
    stopped.set(lane.id, { code: 'lane-stopped', why: `${o.id} ${how}, and that stops the other ${lane.id}` });
};

/** One that was taken down and is not brought up stays down. */
const skip = (run: Run, o: Operation, why: Why): void => {
  run.ledger.skipped(o.id, why);
  if (o.lane === null || takesDown(o)) return;
  const own = (x: Operation): boolean => x.lane === o.lane && refKey(x.target) === refKey(o.target) && takesDown(x);
  if (run.plan.operations.some((x) => own(x) && run.ledger.is(x.id) === 'done')) stopLane(run, o, 'was skipped');
};

/** Why an operation may not be started now; null: it may. */
const blocked = (run: Run, o: Operation): Why | null => {
  const { plan, ledger, world, shut } = run;
  if (world.cancel.stop.aborted || world.cancel.detach.aborted) return cancelled;
  if (run.halted !== null) return run.halted;
  const here = shut.get(o.server);
  if (here !== undefined) return here;
  const lane = o.lane === null ? undefined : run.stopped.get(o.lane);
  // What is down already is brought up and waited for all the same.
  if (lane !== undefined && takesDown(o)) return lane;
  for (const t of plan.touched) {
    const there = refKey(t.subject) === refKey(o.target) ? shut.get(t.server) : undefined;
    if (there) return { ...there, why: `the plan counts on ${refKey(o.target)} on ${t.server}: ${there.why}` };
  }
  const need = o.needs.find((id) => ledger.is(id) !== 'done');
  if (need === undefined) return null;
  const is = ledger.is(need);
  if (is === 'failed') return { code: 'need-failed', why: `it needs ${need}, which failed` };
  if (is === 'skipped') return { code: 'need-skipped', why: `it needs ${need}, which was skipped` };
  return { code: 'plan-disorder', why: `it needs ${need}, which does not stand before it in the plan` };
};

/** What the file wants to be run first, where Reeve runs. */
const prepared = async ({ world, ledger }: Run, { id, before }: Operation): Promise<Trouble | null> => {
  if (before === null) return null;
  ledger.progress(id, before);
  const { rc, out } = await world.command(before);
  const said = outputOf(out);
  if (rc === 0) return null;
  return { code: 'before-failed', why: `policy.before: ${before} ended with ${rc}${said && `: ${said}`}` };
};

const runOne = async (run: Run, o: Operation, serial: string): Promise<void> => {
  const { ledger } = run;
  const why = blocked(run, o);
  if (why !== null) return skip(run, o, why);
  ledger.started(o.id);
  try {
    const told: Told = {
      say: (...text) => ledger.progress(o.id, ...text),
      warn: (why) => ledger.warned(o.id, why),
    };
    const trouble = (await prepared(run, o)) ?? (await carryOut(o, serial, run.world, run.readings, told));
    if (!trouble) return ledger.done(o.id);
    ledger.failed(o.id, trouble);
    stopLane(run, o, 'failed');
    if (trouble.beyond === 'unreachable') run.shut.set(o.server, { code: trouble.code, why: trouble.why });
    if (trouble.beyond === 'fenced') {
      run.fenced ??= o.server;
      run.halted ??= { code: trouble.code, why: `${trouble.why}, so this run stops` };
    }
  } catch (error) {
    ledger.failed(o.id, { code: 'internal-error', why: 'an error in Reeve itself' });
    run.bug ??= { error };
    run.halted ??= { code: 'internal-error', why: 'an error in Reeve itself stops this run' };
  }
};

/** Each operation begins when all that it needs have ended, and its turn at every limit has come. */
const runGraph = async (run: Run, fencing: Fencing): Promise<void> => {
  const turns = takeTurns();
  const ends = new Map<string, Promise<void>>();
  const begin = async (o: Operation, serial: string): Promise<void> => {
    // Taken before the first wait: what stands later in the plan is not waited for, so that nobody waits in a circle.
    const needed = o.needs.map((id) => ends.get(id));
    for (const end of needed) await end;
    const why = blocked(run, o) ?? (await fencing.bars(o.id));
    if (why !== null) return skip(run, o, why);
    return turns(limitsOf(o), () => runOne(run, o, serial));
  };
  for (const [i, o] of run.plan.operations.entries()) {
    ends.set(o.id, begin(o, `${i + 1}-${o.id.replaceAll(/[^A-Za-z0-9._+-]/g, '.')}`));
  }
  await Promise.all(ends.values());
};

/**
 * Never rejects for what a server does; that is in the outcome. Lets go of its locks at the end, except when it detaches: then the
 * caller closes `control`.
 */
export const execute = async (plan: Plan, world: World): Promise<Outcome> => {
  const { control, cancel, clock } = world;
  // Every operation that waits listens: many listeners are no leak here.
  setMaxListeners(0, cancel.stop, cancel.detach);
  const journal = openJournal(plan, world);
  const ledger = openLedger(plan.operations, clock, (event) => {
    journal.tell(event);
    world.onEvent(event);
  });
  const identify = (observed: Observed): Observed => identified(plan.servers, plan.farm, observed);
  const readings = shareReadings(
    control,
    world.toolstack,
    clock,
    (server, seen) => identify(new Map([[server, seen]])).get(server) ?? seen,
  );
  const run: Run = {
    plan,
    world,
    ledger,
    readings,
    silent: new Map(),
    shut: new Map(),
    stopped: new Map(),
    halted: null,
    fenced: null,
    bug: null,
  };

  const finish = async (more: Partial<Outcome> = {}): Promise<Outcome> => {
    const leave = async (): Promise<void> => {
      await journal.end(run.shut);
      await control.release();
    };
    if (!cancel.detach.aborted) await Promise.race([leave(), aborted(cancel.detach)]);
    const unwritten = journal.unwritten();
    const lacks = unwritten.length === 0 ? {} : { unwritten };
    return { ...ledger.outcome(cancel.stop.aborted || cancel.detach.aborted), ...lacks, ...more };
  };

  const astray = await holdServers(run);
  if (!astray) {
    ledger.close(cancelled);
    return finish();
  }
  const observed = await Promise.race([readTouched(run), aborted(cancel.stop)]);
  if (observed === 'aborted') {
    ledger.close(cancelled);
    return finish();
  }
  const wrong = [...astray, ...wrongMachines(identify(observed))];
  if (wrong.length > 0) {
    ledger.close({ code: wrong[0]?.code ?? 'wrong-machine', why: 'a server is not the one that the plan saw' }, true);
    return finish({ stale: wrong });
  }
  for (const [server, seen] of observed) if (isUnknown(seen)) run.shut.set(server, outOfReachOf(server, seen));
  const stale = [...world.fresh(observed).filter((d) => !run.shut.has(d.server)), ...risen(plan, observed)];
  if (stale.length > 0) {
    ledger.close({ code: 'object-changed', why: 'the farm is not what the plan saw' }, true);
    return finish({ stale });
  }

  const fencing = openFencing(plan, world, ledger, readings, run.silent);
  await Promise.race([runGraph(run, fencing), aborted(cancel.detach)]);
  ledger.close(cancelled);
  const outcome = await finish(run.fenced === null ? {} : { fenced: run.fenced });
  if (run.bug) throw run.bug.error;
  return outcome;
};
