/** A pool of two real dom0s on NFS: VMs that move alive, servers that are drained, full, or dropped from the file. Needs the whole farm. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply, awake, domidOf, expectCode, expectSettled, flat, undisturbed } from './check.ts';
import { direct, guest, hand, openDesk, resetWithStore, server, until, type Desk, type VmYaml } from './farm.ts';

const path = '/srv/vmstore';
const disk = { disks: { xvda: { size: '16MiB' } } };
const writer: VmYaml = { boot: { ...direct, cmdline: `${guest.cmdline} writes=/dev/xvda` }, ...disk };
const plain: VmYaml = { boot: direct, ...disk };
let desk: Desk;

const repositories = {
  vmstore: { type: 'nfs', source: `${server(1).privateAddress}:/export`, path, options: 'vers=4.2,actimeo=1' },
};
type Says = Readonly<Record<string, unknown>>;
const write = (vms: Readonly<Record<string, VmYaml>>, first: Says = {}, second: Says = {}): void =>
  desk.write({
    policy: { restarts: { atOnce: 1 } },
    servers: [1, 2],
    more: {
      1: { migration: server(1).privateAddress, ...first },
      2: { migration: server(2).privateAddress, ...second },
    },
    vms,
    repositories,
  });
const maintenance = { state: 'maintenance' };
/** On which dom0s a domain of this name is. */
const where = async (name: string): Promise<readonly number[]> =>
  (await Promise.all([1, 2].map(async (i) => ((await domidOf(i, name)) === null ? [] : [i])))).flat();
/** What the writing guest has told on its consoles, here and there: numbers, and how long it was up. */
const told = async (i: number): Promise<readonly { n: number; up: number }[]> =>
  (await hand(i, "cat /var/log/xen/console/guest-web*.log 2> /dev/null | grep -a '^wrote' | tr -d '\\r' || true"))
    .split('\n')
    .flatMap((l) => {
      const [, n, up] = /^wrote (\d+) at ([\d.]+)$/.exec(l) ?? [];
      return n === undefined ? [] : [{ n: Number(n), up: Number(up) }];
    });
/** Takes memory of a dom0 away: a domain that does nothing. */
const fill = async (i: number, leave: number): Promise<void> => {
  await hand(
    i,
    `free=$(xl info free_memory); m=$((free - ${leave})); printf 'name="filler"\\ntype="pvh"\\nmemory=%s\\nkernel="${guest.kernel}"\\n' "$m" > /root/filler.cfg; xl create -q -p /root/filler.cfg`,
  );
};
const empty = async (): Promise<void> => {
  for (const i of [1, 2])
    await hand(i, 'xl destroy filler 2> /dev/null; while xl domid filler > /dev/null 2>&1; do sleep 1; done');
};

beforeAll(async () => {
  await resetWithStore();
  desk = openDesk();
});
afterAll(() => desk?.close());

const on = async (i: number): Promise<void> => {
  write({ web: { ...writer, server: `dom0${i}` }, db: { ...plain, server: `dom0${i}` } });
  await apply(desk, '--allow', 'restart=*');
};
/** How often guests have come up on this dom0. */
const births = async (i: number): Promise<number> =>
  Number(await hand(i, 'cat /var/log/xen/console/guest-*.log 2> /dev/null | grep -ac "guest up" || true'));

describe('a pool', () => {
  it('is written down, and runs two VMs on one server', async () => {
    await on(1);
    await awake(1, 'web');
    await awake(1, 'db');
    expect(JSON.parse(await hand(2, 'cat /etc/reeve/pool.json'))).toMatchObject({ members: ['dom01', 'dom02'] });
    await expectSettled(desk);
  });

  it('drains a server: both VMs go on at the other one, in the same life, and bring nobody back by themselves', () =>
    undisturbed(async () => {
      await on(1);
      const here = (await told(1)).length;
      await until('it writes', async () => (await told(1)).length > here + 3);
      const born = await births(2);
      write({ web: writer, db: plain }, maintenance);
      const text = flat(await expectCode(desk, 0, 'plan'));
      expect(text).toMatch(/db on dom01 → dom02: migrate live; live migration, paused for about 1 s/);
      expect(text).toMatch(/2 to migrate live/);
      const there = (await told(2)).length;
      await apply(desk);
      expect([await where('web'), await where('db')]).toEqual([[2], [2]]);
      const before = (await told(1)).at(-1);
      const after = await until('it writes there', async () => (await told(2))[there + 1] ?? null);
      expect(after.n).toBeGreaterThan(before?.n ?? 0);
      expect(after.up).toBeGreaterThan(before?.up ?? 0);
      // Nobody came up a second time.
      expect(await births(2)).toBe(born);
      expect(await hand(1, 'ls /etc/xen/auto; ls /etc/xen/*.cfg 2> /dev/null | grep -v example || true')).toBe('');
      expect(await hand(2, 'ls /etc/xen/auto')).toBe('db.cfg\nweb.cfg');
      expect(await hand(1, 'cat /export/leases/*.json')).not.toMatch(/"server":"dom01"/);
      await expectSettled(desk);
      write({ web: writer, db: plain });
      await expectSettled(desk);
    }));

  it('loses no synced write on the way: every block that was told is on the disk', async () => {
    write({ web: { ...writer, server: 'dom02', state: 'stopped' }, db: plain });
    await apply(desk, '--allow', 'stop=web', '--allow', 'restart=*');
    // A guest that came up anew began anew with the first block: the numbers of all its lives are on the disk.
    const last = Math.max(...[...(await told(1)), ...(await told(2))].map((t) => t.n));
    expect(last).toBeGreaterThan(4);
    const image = (await hand(1, 'grep -l \'"vm":"web"\' /export/disks/*.raw.reeve.json')).replace('.reeve.json', '');
    const text = await hand(
      1,
      `tail -c +513 ${image} | head -c $((${last} * 512)) | tr -s ' ' '\\n' | grep -a '^[0-9]'`,
    );
    expect(text.split('\n').map(Number)).toEqual(Array.from({ length: last }, (_, i) => i + 1));
    await expectSettled(desk);
  });
});

describe('placement', () => {
  it('keeps two VMs apart: one of them moves', () =>
    undisturbed(async () => {
      write({ web: { ...plain, server: 'dom02' }, db: { ...plain, server: 'dom02' } });
      await apply(desk, '--allow', 'restart=*');
      write({ web: { ...plain, apart: 'g' }, db: { ...plain, apart: 'g' } });
      expect(flat(await expectCode(desk, 0, 'plan'))).toMatch(/moved (?:db|web) of its group is on dom02, too/);
      await apply(desk);
      expect(new Set([...(await where('web')), ...(await where('db'))])).toEqual(new Set([1, 2]));
      await expectSettled(desk);
    }));

  it('says what a full server lacks, and swaps two VMs by suspending one where that is allowed', () =>
    undisturbed(async () => {
      await empty();
      write({ web: { ...plain, server: 'dom01' }, db: { ...plain, server: 'dom02' } });
      await apply(desk, '--allow', 'restart=*');
      await fill(1, 110);
      await fill(2, 110);
      write({ web: { ...plain, server: 'dom02' }, db: { ...plain, server: 'dom01' } });
      const text = flat(await expectCode(desk, 5, 'plan'));
      expect(text).toMatch(
        /web would leave dom01 \(the file wants dom02\): it waits for a place that only moves when it does; dom02 lacks \d+MiB of memory/,
      );
      await apply(desk, '--allow', 'restart=*');
      expect([await where('web'), await where('db')]).toEqual([[2], [1]]);
      expect(await hand(1, 'ls /export/suspended')).toBe('');
      await empty();
      await expectSettled(desk);
    }));
});

describe('what goes wrong', () => {
  it('a PV guest, which this Xen cannot migrate, is moved in a restart within its budget, or refused', () =>
    undisturbed(async () => {
      const pv: VmYaml = { ...plain, type: 'pv', memory: '192MiB' };
      write({ db: { ...pv, server: 'dom01' }, web: { ...plain, server: 'dom02' } });
      await apply(desk, '--allow', 'restart=*');
      write({ db: pv, web: plain }, maintenance);
      expect(flat(await expectCode(desk, 5, 'plan'))).toMatch(
        /db would leave dom01 \(dom01 is in maintenance\): this Xen cannot migrate pv guests/,
      );
      await apply(desk, '--allow', 'restart=db');
      expect(await where('db')).toEqual([2]);
      await expectSettled(desk);
    }));

  it('restarts that a change asks for roll, and stop at the VM that does not come back', async () => {
    const rolling = (n: number, cmdline: string, within = '600s'): VmYaml => ({
      ...plain,
      server: 'dom01',
      networks: ['lan'],
      boot: { ...direct, cmdline: `${guest.cmdline} ip=10.78.0.${20 + n} ${cmdline}` },
      ready: { tcp: `10.78.0.${20 + n}:7000`, from: 'dom0', within },
    });
    const three = (second: string, more = ''): void => {
      write({
        r1: rolling(1, `listen=7000${more}`),
        r2: rolling(2, `${second}${more}`, second === 'deaf' ? '20s' : '600s'),
        r3: rolling(3, `listen=7000${more}`),
      });
    };
    desk.write({
      servers: [1, 2],
      vms: { db: { ...plain, state: 'absent' }, web: { ...plain, state: 'absent' } },
      repositories,
    });
    await apply(desk, '--allow', 'stop=*');
    three('listen=7000');
    await apply(desk);
    // What it listens on is gone with the new command line.
    three('deaf', ' again');
    const said = await expectCode(desk, 7, 'apply', '--yes', '--allow', 'restart=*');
    expect(flat(said)).toMatch(/1 at a time, the next when the last is ready: r1, r2, r3/);
    expect(said).toMatch(/r3 +restart +skipped: r2\/ready failed, and that stops the other restarts of lab/);
    expect(await hand(1, 'grep -ac "again" /var/log/xen/console/guest-r3.log || true')).toBe('0');
    three('listen=7000', ' again');
    await apply(desk, '--allow', 'restart=*');
    await awake(1, 'r3', 2);
    await expectSettled(desk);
  });

  it('a server that was only taken out of the file is not forgotten', async () => {
    write({ r1: { ...plain, server: 'dom02' } });
    await apply(desk, '--allow', 'restart=*');
    desk.write({ servers: [1], vms: { r1: plain }, repositories });
    const text = flat(await expectCode(desk, 5, 'plan'));
    expect(text).toMatch(/dom02 would be forgotten: it left the file, and dom01 remembers it/);
    expect(text).toMatch(/r1 would be created: it was seen nowhere, but dom02 could not be read/);
  });
});
