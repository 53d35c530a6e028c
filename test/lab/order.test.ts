/** One VM after the other: the second starts when the first counts as up, and stops before it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { apply, awake, expectCode, expectSettled } from './check.ts';
import { direct, guest, hand, here, openDesk, reset, type Desk, type VmYaml } from './farm.ts';

interface Told {
  readonly ev: string;
  readonly op?: string;
}

const told = (desk: Desk): readonly string[] =>
  readFileSync(join(desk.cwd, 'events.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Told)
    .flatMap((e) => (e.ev === 'started' || e.ev === 'done' ? [`${e.ev} ${e.op}`] : []));

it('starts what stands before it first, waits until that is ready, and stops in reverse', async () => {
  await reset();
  const desk = openDesk();
  const address = `10.78.0.${100 + here}`;
  const db: VmYaml = {
    boot: { ...direct, cmdline: `${guest.cmdline} ip=${address} listen=7000 after=5` },
    networks: ['lan'],
    ready: { tcp: `${address}:7000`, within: '600s' },
  };
  const app: VmYaml = { boot: direct, networks: ['lan'], after: ['db'] };
  const write = (state: string): void => desk.write({ vms: { app: { ...app, state }, db: { ...db, state } } });
  write('running');
  expect(await expectCode(desk, 0, 'plan')).toMatch(/starts after {2}db/);
  await apply(desk, '--events', 'events.ndjson');
  const up = told(desk);
  expect(up.indexOf('done db/ready')).toBeGreaterThan(up.indexOf('done db/start'));
  expect(up.indexOf('started app/start')).toBeGreaterThan(up.indexOf('done db/ready'));
  expect(await hand(here, 'ls /etc/xen/auto')).toBe('01-db.cfg\n02-app.cfg');
  await awake(here, 'app');
  await expectSettled(desk);
  write('stopped');
  await apply(desk, '--allow', 'stop=*', '--events', 'events.ndjson');
  const down = told(desk);
  expect(down.indexOf('started db/stop')).toBeGreaterThan(down.indexOf('done app/stop'));
  await expectSettled(desk);
  desk.close();
});
