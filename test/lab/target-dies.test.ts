/** A live migration whose target dies in the middle, on real dom0s. Needs the whole farm. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { apply, awake, domidOf, expectSettled } from './check.ts';
import { direct, hand, openDesk, resetWithStore, power, server, ssh, until, type Desk } from './farm.ts';

const path = '/srv/vmstore';
let desk: Desk;
const write = (on: string): void =>
  desk.write({
    servers: [1, 2],
    more: {
      1: { migration: server(1).privateAddress },
      2: { migration: server(2).privateAddress, ssh: { connectTimeout: '20s' } },
    },
    vms: { db: { boot: direct, disks: { xvda: { size: '16MiB' } }, server: on } },
    repositories: {
      vmstore: { type: 'nfs', source: `${server(1).privateAddress}:/export`, path, options: 'vers=4.2,actimeo=1' },
    },
  });

beforeAll(async () => {
  await resetWithStore();
  desk = openDesk();
});
afterAll(async () => {
  // Whatever failed: the next file finds it awake.
  await power(2, true);
  desk?.close();
});

it('leaves the VM where it runs, once; when the target is back, it moves', async () => {
  write('dom01');
  await apply(desk);
  await awake(1, 'db');
  write('dom02');
  const run = desk.start(['apply', '--yes']);
  await until('it is on its way', async () => (await ssh(2, 'xl list 2> /dev/null | grep -q incoming')).code === 0);
  await power(2, false);
  expect((await run.ended).code).not.toBe(0);
  expect(await domidOf(1, 'db')).not.toBeNull();
  expect(await hand(1, 'xl list | grep -c "^db--" || true')).toBe('0');
  await power(2, true);
  await until(
    'it is up again',
    async () => (await ssh(2, `xl list > /dev/null && mountpoint -q ${path}`)).code === 0,
    900,
  );
  await apply(desk);
  expect([await domidOf(1, 'db'), await domidOf(2, 'db')]).toEqual([null, expect.anything()]);
  await expectSettled(desk);
});
