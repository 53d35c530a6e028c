/**
 * What others do between two steps of a run: it then acts on an older reading, or on one that never saw what came and went. Sieve's
 * patterns beside the crash between two writes, which is a fault like others.
 */
import { makeProcess } from '../../src/sim/process.ts';
import { runProgram } from '../../src/sim/programs.ts';
import type { InProcessFarm } from '../../src/sim/in-process.ts';
import { drive, startRun, type Run } from './controller.ts';
import { afterwards, type Undisturbed } from './explore.ts';
import { watch } from './history.ts';
import type { Fault, FaultAt, Sent } from './link.ts';

export interface Intrusion {
  readonly name: string;
  readonly pattern: 'stale reading' | 'unobserved state';
  /** The fault that it is like, in what it may cost. */
  readonly like: Fault;
  /** Null: it cannot come between there. */
  readonly at: (sent: Sent, u: Undisturbed) => boolean;
  readonly act: (farm: InProcessFarm, u: Undisturbed, run: Run) => Promise<unknown>;
}

const byHand = async (farm: InProcessFarm, act: (name: string) => readonly (readonly string[])[]): Promise<void> => {
  for (const { world } of farm.dom0s.values()) {
    const names = [...world.domains.values()].flatMap((d) => (d.built && d.name !== null ? [d.name] : []));
    for (const name of names.filter((n) => world.files.exists(`/etc/xen/${n}.cfg`)))
      for (const argv of act(name)) await world.clock.during(runProgram(world, makeProcess(world.clock), argv));
  }
};

const broken: Fault = { is: 'gone', when: 'before' };
const down: Fault = { is: 'reboot', when: 'before' };

/** A person's own commands between a precondition and its step are a race that remains; between readings they are not. */
const looks = ({ what }: Sent): boolean => what === 'observe' || what === 'hold';

export const intrusions: readonly Intrusion[] = [
  {
    name: 'another run of the same file',
    pattern: 'stale reading',
    like: broken,
    at: () => true,
    act: (farm, u) => startRun(farm, u.order).ended,
  },
  {
    name: 'a run of the file as it was',
    pattern: 'stale reading',
    like: broken,
    at: (_, u) => u.former !== null,
    act: async (farm, u) => u.former && startRun(farm, u.former).ended,
  },
  {
    name: 'a run of the file as it was, once the connections are lost',
    pattern: 'stale reading',
    like: broken,
    at: (_, u) => u.former !== null,
    act: async (farm, u, { link }) => {
      for (const server of farm.dom0s.keys()) link.drop(server);
      return u.former && startRun(farm, u.former).ended;
    },
  },
  {
    name: 'a person who destroys its VMs',
    pattern: 'stale reading',
    like: down,
    at: looks,
    act: (farm) => byHand(farm, (name) => [['xl', 'destroy', name]]),
  },
  {
    name: 'VMs that go and come again',
    pattern: 'unobserved state',
    like: down,
    at: looks,
    act: (farm) =>
      byHand(farm, (name) => [
        ['xl', 'destroy', name],
        ['xl', 'create', '-q', `/etc/xen/${name}.cfg`],
      ]),
  },
  {
    name: 'dom0s that go down and come up',
    pattern: 'unobserved state',
    like: down,
    at: looks,
    act: async (farm) => {
      for (const [name, { world }] of farm.dom0s) if (!farm.silent.has(name)) world.power();
    },
  },
];

/** What comes of one intrusion before one step. */
export const intrude = async (
  u: Undisturbed,
  step: number,
  { act, like }: Intrusion,
): Promise<{ readonly at: FaultAt; readonly wrong: readonly string[] }> => {
  const farm = u.ready.fork();
  const history = watch(farm);
  const wrong: string[] = [];
  try {
    let steps = 0;
    const run: Run = startRun(farm, u.order, null, async () => {
      const mine = steps++;
      // The first step is sent while the run is still being started.
      await Promise.resolve();
      if (mine === step) await act(farm, u, run);
    });
    await drive(farm, run.ended);
    wrong.push(...(await afterwards(u, farm, history)).wrong);
  } catch (error) {
    wrong.push(`exception: ${(error as Error).stack ?? String(error)}`);
  }
  history.end();
  return { at: { step, fault: like }, wrong: [...wrong, ...history.harm] };
};
