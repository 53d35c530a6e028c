/** Two simulated dom0s without SSH servers between which guest `a` can migrate, and what both ends look like. */
import { expect } from 'vitest';
import type { Domain } from '../../../src/sim/world.ts';
import type { Server } from '../../../src/sim/server.ts';
import { bench, withGuest, type Bench } from './farm.ts';

export const key = '/root/.ssh/reeve-migration';
export const hosts = '/etc/reeve/migration_hosts';
export const ssh = (more = '', identity = key, alias = 'reeve-dom02'): string =>
  `ssh -i ${identity} -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=${hosts} -o HostKeyAlias=${alias} -o ServerAliveInterval=5 -o ServerAliveCountMax=3${more}`;

export interface Pair {
  readonly from: Bench;
  readonly to: Bench;
  /** `dom02` accepts connections. */
  answers: boolean;
}

/** Guest `a` runs on dom01; dom02 lets dom01 in by the key that dom01 has made. */
export const pair = async (
  changes: Readonly<Record<string, string | null>> = {},
  there: Partial<Server> = {},
): Promise<Pair> => {
  const from = await withGuest(changes);
  const to = bench({ name: 'dom02', address: '10.77.0.2', ...there });
  const p: Pair = { from, to, answers: true };
  const peer = { world: to.world, answers: () => p.answers };
  from.world.peers.set('dom02', peer).set('10.77.0.2', peer);
  expect((await from.argv(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'reeve', '-f', key])).rc).toBe(0);
  const mine = from.world.files.text(`${key}.pub`) ?? '';
  to.put('/root/.ssh/authorized_keys', `# people\nrestrict,command="exec xl migrate-receive" ${mine}`);
  const [type, theirs] = (to.world.files.text('/etc/ssh/ssh_host_ed25519_key.pub') ?? '').split(' ');
  from.world.files.mkdir('/etc/reeve');
  from.put(hosts, `reeve-dom02 ${type} ${theirs}\n`);
  return p;
};

export const migrate = (p: Pair, command = ssh(), host = '10.77.0.2', guest = 'a') =>
  p.from.argv(['xl', 'migrate', '-s', command, guest, host]);

export const settle = async (p: Pair): Promise<void> => {
  await Promise.all([p.from.settle(), p.to.settle()]);
};

export const names = (b: Bench): readonly (string | null)[] => [...b.world.domains.values()].map((d) => d.name);
export const states = (b: Bench): readonly string[] =>
  [...b.world.domains.values()].map(
    (d) => `${d.name} ${d.ended === 'suspend' ? 'suspended' : d.paused ? 'paused' : 'runs'}`,
  );
export const only = (b: Bench): Domain | undefined => [...b.world.domains.values()][0];
export const monitors = (b: Bench): readonly string[] => [...b.world.monitors.values()].map((m) => m.args);
export const [created, received] = [
  '/usr/lib/xen-4.17/bin/xl create -q /etc/xen/a.cfg',
  '/usr/lib/xen-4.17/bin/xl migrate-receive',
];
export const ended = (code: number): string => `migration transport process [N] exited with error status ${code}\n`;
export const flat = (text: string): string => text.replaceAll(/\[\d+\]/g, '[N]');

/** Looks every 20 ms as long as it runs: between two waits a virtual clock would go on to the next event. */
export const during = async (p: Pair, work: Promise<unknown>, look: () => unknown): Promise<void> => {
  const state = { over: false };
  const end = (): void => {
    state.over = true;
  };
  work.then(end, end);
  while (!state.over) {
    await p.from.run('sleep 0.02');
    await look();
  }
};

/** What both ends look like at every step of it, each look once. */
export const watch = async (p: Pair, command = ssh()): Promise<readonly string[]> => {
  const seen: string[] = [];
  await during(p, migrate(p, command), () => {
    const rows = [p.from, p.to].map((b) => states(b).join(', '));
    if (seen.at(-1) !== rows.join(' | ')) seen.push(rows.join(' | '));
  });
  return seen;
};
