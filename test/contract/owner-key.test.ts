/** A pool whose owner has a key for migrations: Reeve uses it, looks whether it works, and puts nothing of its own there. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dom0, openPool, poolText, type PoolFarm } from './pool-farm.ts';

const key = '/root/.ssh/id_ed25519';
const names = ['dom01', 'dom02'] as const;
const both = 'dom01: { address: a, migration: dom01 }, dom02: { address: b, migration: dom02 }';
const drained = both.replace('migration: dom01', 'migration: dom01, state: maintenance');
const owner = `migration: { key: ${key} }`;
let farm: PoolFarm;
const ids = (plan: Awaited<ReturnType<PoolFarm['planOf']>>): readonly string[] => plan.operations.map((o) => o.id);
const read = (server: string, path: string): string => farm.sim.files(server).read(path) ?? '';
const hostKey = (server: string): string =>
  read(server, '/etc/ssh/ssh_host_ed25519_key.pub').split(' ').slice(0, 2).join(' ');

/** As an owner sets it up: each server has a key, knows the others and lets them in. */
const setUp = async (): Promise<void> => {
  for (const s of names) {
    await farm.sim.hand(s, ['mkdir', '-p', '/root/.ssh']);
    await farm.sim.hand(s, ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', `root@${s}`, '-f', key]);
  }
  for (const s of names) {
    const files = farm.sim.files(s);
    files.write('/root/.ssh/known_hosts', names.map((n) => `${n} ${hostKey(n)}\n`).join(''));
    files.write('/root/.ssh/authorized_keys', names.map((n) => read(n, `${key}.pub`)).join(''));
  }
};

beforeEach(async () => {
  farm = await openPool(names.map((n) => dom0(n)));
});
afterEach(async () => farm.close());

describe("a migration with the owner's key", () => {
  it('needs nothing but that, and leaves nothing', async () => {
    await setUp();
    await farm.converge(poolText(both, 'a: { server: dom01 }', owner));
    const plan = await farm.converge(poolText(drained, 'a: {}', owner));
    expect(ids(plan).filter((id) => id.includes('migrations'))).toEqual([]);
    expect(plan.operations.find((o) => o.op.verb === 'migrate')?.commands[0]).toBe(
      `xl migrate -s 'ssh -i ${key} -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=20 -o ServerAliveInterval=5 -o ServerAliveCountMax=3' a dom02`,
    );
    expect(await farm.list('dom02')).toEqual(['a']);
    expect([read('dom01', '/root/.ssh/reeve-migration.pub'), read('dom01', '/etc/reeve/migration_hosts')]).toEqual([
      '',
      '',
    ]);
  });

  it.each<[string, () => unknown, string, string]>([
    [
      'is not there',
      () => farm.sim.files('dom01').remove(key),
      `dom01 cannot migrate with ${key}: it has no ${key}`,
      'put the key there, or take `migration.key` out: then Reeve makes one',
    ],
    [
      'opens nothing',
      () => farm.sim.files('dom02').write('/root/.ssh/authorized_keys', '# nobody\n'),
      `dom01 cannot migrate to dom02 with ${key}: it does not let that key migrate to it`,
      'add to /root/.ssh/authorized_keys there: restrict,command="exec xl migrate-receive" ssh-ed25519 ',
    ],
    [
      'leads to a stranger',
      () => farm.sim.files('dom01').write('/root/.ssh/known_hosts', ''),
      `dom01 cannot migrate with ${key}: it does not know the host key of dom02`,
      `log in there once, by hand: ssh -i ${key} root@dom02`,
    ],
  ])('is not planned where it %s', async (_, breaks, why, help) => {
    await setUp();
    await farm.converge(poolText(both, 'a: { server: dom01 }', owner));
    breaks();
    const plan = await farm.planOf(poolText(drained, 'a: {}', owner));
    expect([plan.vms, plan.refused.map((r) => [r.what, r.why])]).toEqual([[], [['a would leave dom01', why]]]);
    expect(plan.refused[0]?.help).toContain(help);
  });

  it('is not begun where it no longer opens the target', async () => {
    await setUp();
    await farm.converge(poolText(both, 'a: { server: dom01 }', owner));
    const plan = await farm.planOf(poolText(drained, 'a: {}', owner));
    farm.sim.files('dom02').write('/root/.ssh/authorized_keys', '');
    const { failed } = await farm.apply(plan);
    expect(failed).toMatchObject([
      { id: 'a/migrate/dom02', why: 'dom02: the server does not take migrations from there' },
    ]);
    expect(await farm.list('dom01')).toEqual(['a']);
  });
});

it("takes Reeve's own keys away once the file names the owner's, and keeps every other line", async () => {
  await farm.converge(poolText(both, 'a: { server: dom01 }'));
  await farm.converge(poolText(drained, 'a: {}'));
  expect(read('dom02', '/root/.ssh/authorized_keys')).toContain('reeve-migration:dom01');
  const reeves = read('dom02', '/root/.ssh/authorized_keys');
  await setUp();
  const people = read('dom02', '/root/.ssh/authorized_keys');
  farm.sim.files('dom02').write('/root/.ssh/authorized_keys', reeves + people);
  const plan = await farm.converge(poolText(both, 'a: {}', owner));
  expect(ids(plan)).toEqual(['dom01/drop-migrations', 'dom02/drop-migrations']);
  expect(plan.dom0s.map((d) => d.does)).toEqual([
    [`take Reeve's keys for migrations away: the file names ${key}`],
    [`take Reeve's keys for migrations away: the file names ${key}`],
  ]);
  expect(read('dom02', '/root/.ssh/authorized_keys')).toBe(people);
  for (const path of ['/root/.ssh/reeve-migration', '/root/.ssh/reeve-migration.pub', '/etc/reeve/migration_hosts'])
    expect(farm.sim.files('dom01').read(path)).toBeUndefined();
});

it('says that a server has no host key by which Reeve could make it known', async () => {
  await farm.converge(poolText(both, 'a: { server: dom01 }'));
  farm.sim.files('dom02').remove('/etc/ssh/ssh_host_ed25519_key.pub');
  const plan = await farm.planOf(poolText(drained, 'a: {}'));
  expect(plan.refused).toMatchObject([
    { why: 'dom02 has no ed25519 host key, by which dom01 could know it', help: 'run ssh-keygen -A on dom02' },
  ]);
});
