/** Rolls in process: a simulated farm on one virtual clock, and `reeve roll` over it as a person types it, with one fault where that is asked for. */
import { observe } from '../../../src/cli/observe.ts';
import { lookOnly, runRoll } from '../../../src/cli/roll.ts';
import type { RollOwnFlags } from '../../../src/cli/roll-standing.ts';
import type { Plan } from '../../../src/kinds/plan.ts';
import type { Observed } from '../../../src/kinds/server/live.ts';
import { defaultOptions, makePlan, pathsToRead } from '../../../src/plan/index.ts';
import { xl } from '../../../src/toolstacks/xl/index.ts';
import { abandon } from '../../../src/cli/roll-abandon.ts';
import { ExitError } from '../../../src/cli/exit.ts';
import { noShaping } from '../../../src/cli/options.ts';
import type { World } from '../../../src/apply/index.ts';
import { makeInProcessFarm, type InProcessFarm } from '../../../src/sim/in-process.ts';
import type { SimFarmSpec } from '../../../src/sim/index.ts';
import { apply as applyTo, drive } from '../../faults/controller.ts';
import { openLink, type FaultAt, type Link } from '../../faults/link.ts';
import { load } from '../config/load.ts';
import { fakeShell } from './shell.ts';

type Dom0 = SimFarmSpec['servers'][number];

const source = 'filer:/vmstore';

const dom0 = (name: string, more: Partial<Dom0> = {}): Dom0 => ({
  name,
  memoryMiB: 16_384,
  dom0MiB: 1024,
  cpus: 16,
  bridges: ['xenbr0'],
  paths: ['/srv/vmlinuz'],
  xendomains: 'XENDOMAINS_SAVE=""\nXENDOMAINS_RESTORE=false\n',
  ...more,
});

export const farmOf = (servers: readonly string[], vms: string, more = ''): string => `farm: p
servers: { ${servers.map((s) => `${s}: { address: ${s}, migration: ${s} }`).join(', ')} }
networks: { lan: { bridge: xenbr0 } }
repositories: { vmstore: { type: nfs, source: "${source}", path: /srv/vmstore }, own: { type: dir, path: /srv/own, shared: false } }
defaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan], shutdown: { within: 10s }, disks: { xvda: { size: 1GiB, repository: vmstore } } }
${more}
vms: { ${vms} }
`;

export const makeFarm = (names: readonly string[], more: Partial<Dom0> = {}): InProcessFarm =>
  makeInProcessFarm({ servers: names.map((n) => dom0(n, more)), exports: [source], seed: 'roll' });

/** As `reeve apply`, to its end. */
export const apply = async (farm: InProcessFarm, text: string): Promise<void> => {
  const { done } = await applyTo(farm, { farm: (await load(text)).farm, options: {} });
  if (done === 'killed') throw new Error('nobody kills this one');
  const failed = done.outcomes.flatMap((o) => [...o.failed, ...o.skipped].map((f) => `${f.id}: ${f.why}`));
  if (failed.length + done.plan.refused.length > 0)
    throw new Error([...failed, ...done.plan.refused.map((r) => `${r.what}: ${r.why}`)].join('\n'));
  await farm.clock.settle();
};

const unset = { color: false, json: false, reboot: false, home: false, dryRun: false, abandon: false, yes: true };

export interface Rolled {
  /** `killed`: the run is gone. */
  readonly code: number | 'killed';
  readonly out: string;
  readonly err: string;
  readonly link: Link;
}

export interface RollMore {
  readonly fault?: FaultAt | null;
  readonly command?: World['command'];
}

/** `reeve roll p`, without a process, while others let time pass. */
export const rollBeside = async (
  farm: InProcessFarm,
  text: string,
  flags: Partial<RollOwnFlags>,
  { fault = null, command = async () => ({ rc: 0, out: '' }) }: RollMore = {},
): Promise<Rolled> => {
  const desired = (await load(text)).farm;
  const [pool] = desired.pools;
  if (!pool) throw new Error('no pool');
  const link = openLink(farm, fault);
  const heard = fakeShell({ now: () => farm.time.now(), sleep: (ms) => farm.clock.sleep(ms) });
  const asked = { shell: heard.shell, farm: desired, pool, flags: { ...noShaping, ...unset, ...flags } };
  const origin = Promise.resolve({ commit: null, dirty: false, plan: null });
  const go = async (): Promise<number> => {
    try {
      if (flags.abandon === true) return await abandon(asked, { control: link.control, origin });
      const secrets = new Map<string, string>();
      if (flags.dryRun === true) return await lookOnly(asked, link.control, secrets);
      return await runRoll(asked, { control: link.control, secrets, origin, command });
    } catch (error) {
      if (!(error instanceof ExitError)) throw error;
      heard.shell.err.write(`reeve: ${error.message} (${error.reason})\n`);
      if (error.help !== undefined) heard.shell.err.write(`help: ${error.help}\n`);
      return error.code;
    } finally {
      await link.control.close();
    }
  };
  const code = await Promise.race([go(), link.killed]);
  return { code, out: heard.out(), err: heard.err(), link };
};

/** `reeve roll p`, to its end, and until the farm has come to rest. */
export const roll = async (
  farm: InProcessFarm,
  text: string,
  flags: Partial<RollOwnFlags>,
  more: RollMore = {},
): Promise<Rolled> => {
  const done = await drive(farm, rollBeside(farm, text, flags, more));
  await farm.clock.settle();
  return done;
};

export const dryRun = (farm: InProcessFarm, text: string, flags: Partial<RollOwnFlags>): Promise<Rolled> =>
  roll(farm, text, { ...flags, dryRun: true });

export const tools = { toolstack: xl, version: '0', secrets: new Map<string, string>() };

/** As `reeve plan`, while others let time pass. */
export const planBeside = async (
  farm: InProcessFarm,
  text: string,
): Promise<{ readonly plan: Plan; readonly observed: Observed }> => {
  const desired = (await load(text)).farm;
  const link = openLink(farm);
  const seen = await observe(desired, [], pathsToRead(desired), {
    reader: link.control,
    toolstack: xl,
    sleep: (ms) => farm.clock.sleep(ms),
  });
  return { plan: makePlan(desired, seen, defaultOptions, tools), observed: seen };
};

export const planOf = (farm: InProcessFarm, text: string): ReturnType<typeof planBeside> =>
  drive(farm, planBeside(farm, text));

/** The names of the domains of a server, sorted. */
export const on = (farm: InProcessFarm, server: string): readonly string[] =>
  [...(farm.dom0s.get(server)?.world.domains.values() ?? [])].map((d) => d.name ?? '').sort();

export const bootsOf = (farm: InProcessFarm): readonly string[] => [...farm.dom0s.values()].map((d) => d.world.bootId);

export const recordsOf = (farm: InProcessFarm): readonly (string | undefined)[] =>
  [...farm.dom0s.values()].map(({ world }) => {
    const text = world.files.text('/etc/reeve/roll.json');
    return text === undefined ? undefined : (JSON.parse(text) as { stage: string }).stage;
  });
