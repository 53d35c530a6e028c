/** `reeve roll` over a pool of two real dom0s: home again after each server, what rides through a reboot, and a roll that broke off. Needs the whole farm. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply, awake, domidOf, expectCode, expectSettled, flat, undisturbed } from './check.ts';
import { direct, guest, hand, openDesk, resetWithStore, server, until, type Desk, type VmYaml } from './farm.ts';

const disk = { disks: { xvda: { size: '16MiB' } } };
const plain: VmYaml = { boot: direct, ...disk };
/** It may not leave dom01, and answers once it is up. */
const rider: VmYaml = {
  ...plain,
  server: 'dom01',
  rides: true,
  budget: 'restart',
  networks: ['lan'],
  boot: { ...direct, cmdline: `${guest.cmdline} ip=10.78.0.31 listen=7000` },
  ready: { tcp: '10.78.0.31:7000', from: 'dom0', within: '600s' },
};
const repositories = {
  vmstore: {
    type: 'nfs',
    source: `${server(1).privateAddress}:/export`,
    path: '/srv/vmstore',
    options: 'vers=4.2,actimeo=1',
  },
};
let desk: Desk;

const write = (vms: Readonly<Record<string, VmYaml>>): void =>
  desk.write({
    servers: [1, 2],
    more: { 1: { migration: server(1).privateAddress }, 2: { migration: server(2).privateAddress } },
    vms,
    repositories,
  });
const where = async (name: string): Promise<readonly number[]> =>
  (await Promise.all([1, 2].map(async (i) => ((await domidOf(i, name)) === null ? [] : [i])))).flat();
const boot = (i: number): Promise<string> => hand(i, 'cat /proc/sys/kernel/random/boot_id');
const record = (i: number): Promise<string> => hand(i, 'cat /etc/reeve/roll.json 2> /dev/null || true');
const log = (): string => join(desk.cwd, 'treated');
const treated = (): readonly string[] => (existsSync(log()) ? readFileSync(log(), 'utf8').trim().split('\n') : []);

beforeAll(async () => {
  await resetWithStore();
  // The store comes back with its server; what comes back as VMs is what Reeve starts.
  await hand(1, 'systemctl enable --quiet nfs-server');
  for (const i of [1, 2])
    await hand(i, `sed -i -E 's/^(XENDOMAINS_SAVE|XENDOMAINS_RESTORE)=.*/\\1=/' /etc/default/xendomains`);
  desk = openDesk();
});
afterAll(() => desk?.close());

describe('a roll', () => {
  it('is printed before its first step, and changes nothing then', async () => {
    write({ web: { ...plain, server: 'dom01' }, db: { ...plain, server: 'dom02' } });
    await apply(desk);
    await awake(1, 'web');
    await awake(2, 'db');
    write({ web: plain, db: plain });
    const text = flat(await expectCode(desk, 0, 'roll', 'lab', '--run', 'true', '--home', '--dry-run'));
    expect(text).toMatch(/dom01 leaves web → dom02 treat true home web → dom01/);
    expect(text).toMatch(/dom02 leaves db → dom01 treat true home db → dom02/);
    expect(text).toMatch(/Roll: 2 servers; 4 live migrations \(the fewest possible\)/);
    expect([await where('web'), await where('db'), await record(1)]).toEqual([[1], [2], '']);
  });

  it('with --home empties each server, treats it, and brings its VM home before the next', () =>
    undisturbed(async () => {
      const run = `echo {server} >> ${log()}`;
      const text = await expectCode(desk, 0, 'roll', 'lab', '--run', run, '--home', '--yes');
      expect(text).toMatch(/Pool lab: all 2 servers done\./);
      expect(treated()).toEqual(['dom01', 'dom02']);
      expect([await where('web'), await where('db')]).toEqual([[1], [2]]);
      expect([await record(1), await record(2)]).toEqual(['', '']);
      await expectSettled(desk);
    }));

  it('that broke off is shown by plan and status, refuses another command, and goes on', () =>
    undisturbed(async () => {
      const run = `echo {server} >> ${log()}; test {server} = dom01 || test -e ${log()}.go`;
      expect(await expectCode(desk, 7, 'roll', 'lab', '--run', run, '--home', '--yes')).toMatch(/\(treatment-failed\)/);
      expect(flat(await expectCode(desk, 0, 'plan'))).toMatch(
        /a roll of pool lab is under way, or broke off: dom01 is done, dom02 is being treated/,
      );
      expect(await expectCode(desk, 0, 'status')).toMatch(/dom02 \(roll\)/);
      expect(await where('db')).toEqual([1]);
      expect(await expectCode(desk, 5, 'roll', 'lab', '--run', 'true', '--yes')).toMatch(/\(roll-differs\)/);
      writeFileSync(`${log()}.go`, '');
      await expectCode(desk, 0, 'roll', 'lab', '--run', run, '--home', '--yes');
      expect([await where('web'), await where('db')]).toEqual([[1], [2]]);
      await expectSettled(desk);
    }));
});

describe('what rides', () => {
  it('is shut down before its server reboots, started after it and waited for; the others are home again', () =>
    undisturbed(async () => {
      write({ web: { ...plain, server: 'dom01' }, db: { ...plain, server: 'dom02' }, stays: rider });
      await apply(desk, '--allow', 'restart=*');
      await awake(1, 'stays');
      write({ web: plain, db: plain, stays: rider });
      const before = [await boot(1), await boot(2)];
      const text = await expectCode(desk, 0, 'roll', 'lab', '--reboot', '--home', '--yes');
      expect(flat(text)).toMatch(/rides stays: shut down now, started again once the server is back/);
      expect(text).toMatch(/^stays +stop +done/m);
      expect(text).toMatch(/^stays +ready +done/m);
      expect([(await boot(1)) === before[0], (await boot(2)) === before[1]]).toEqual([false, false]);
      expect([await where('stays'), await where('web'), await where('db')]).toEqual([[1], [1], [2]]);
      // In order: nothing was destroyed, and xendomains had nothing to save.
      await until('it is up', async () => (await domidOf(1, 'stays')) !== null);
      expect(await hand(1, 'ls -A /var/lib/xen/save 2> /dev/null || true')).toBe('');
      expect(await expectCode(desk, 0, 'history', '--server', 'dom01')).toMatch(/dom01\/reboot .* done/);
      await expectSettled(desk);
    }));
});
