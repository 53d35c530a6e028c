/** Migrations that fail or break between simulated dom0s, and what they leave at both ends, as seen on Xen 4.17. */
import { describe, expect, it } from 'vitest';
import { makeDom0 } from '../../../src/sim/dom0.ts';
import { makeProcess, withTimeout } from '../../../src/sim/process.ts';
import { runProgram } from '../../../src/sim/programs.ts';
import { reboot } from '../../../src/sim/reboot.ts';
import { freeKiB } from '../../../src/sim/world.ts';
import type { Server } from '../../../src/sim/server.ts';
import { bench, cfg } from './farm.ts';
import { ssh, type Pair, pair, migrate, settle, names, states, only, monitors, ended, flat, created } from './pair.ts';

describe('a migration that the target cannot take', () => {
  const stillRunning =
    'libxl: error: libxl_utils.c:505:libxl_read_exactly: file/stream truncated reading ipc msg header from domain 1 save/restore helper stdout pipe\n' +
    'libxl: error: libxl_exec.c:127:libxl_report_child_exitstatus: domain 1 save/restore helper [N] died due to fatal signal Broken pipe\n' +
    'migration sender: libxl_domain_suspend failed (rc=-3)\n' +
    `libxl: info: libxl_exec.c:117:libxl_report_child_exitstatus: ${ended(1)}Migration failed, resuming at sender.\n` +
    'xc: error: Dom 1 not suspended: (shutdown 0, reason 255): Internal error\n' +
    'libxl: error: libxl_dom_suspend.c:666:domain_resume_done: Domain 1:xc_domain_resume failed: Invalid argument\n';
  const room = (mib: number): Partial<Server> => ({ memoryMiB: 512 + 33 + mib });
  it.each([
    ['the disk', { paths: [] }, 'Disk vdev=xvda failed to stat: /srv/a.img: No such file or directory\n'],
    ['room', room(100), 'xc: error: Failed to populate physmap (16 = Device or resource busy): Internal error\n'],
  ])('for want of %s leaves all as it was, its monitor too', async (_what, there, words) => {
    const p = await pair({}, there);
    const free = freeKiB(p.to.world);
    const { rc, err } = await migrate(p);
    expect(rc).toBe(1);
    expect(err).toContain(words);
    expect(flat(err)).toMatch(/migration target: Domain creation failed \(code -3\)\.\n/);
    expect(flat(err).endsWith(stillRunning)).toBe(true);
    await settle(p);
    expect([names(p.from), names(p.to), monitors(p.from), monitors(p.to)]).toEqual([['a'], [], [created], []]);
    expect(freeKiB(p.to.world)).toBe(free);
    expect(only(p.from)).toMatchObject({ domid: 1, ended: null, paused: false });
  });
  it('where NAME--incoming is taken leaves all as it was', async () => {
    const p = await pair();
    p.to.put('/etc/xen/x.cfg', cfg('a--incoming', { disk: null }));
    await p.to.run('xl create -q /etc/xen/x.cfg');
    const { rc, err } = await migrate(p);
    expect(rc).toBe(1);
    expect(err).toContain('Domain 2:Domain with name "a--incoming" already exists.\n');
    expect(flat(err).endsWith(stillRunning)).toBe(true);
    expect([names(p.to), monitors(p.from)]).toEqual([['a--incoming'], [created]]);
  });
  it('for want of a bridge is found out late: it goes on here, without its monitor', async () => {
    const p = await pair({}, { bridges: [] });
    const { rc, err } = await migrate(p);
    expect(rc).toBe(1);
    expect(err).toContain('script: Could not find bridge device xenbr0\n');
    expect(flat(err)).toContain(
      'migration target: Domain creation failed (code -3).\n' +
        'libxl: error: libxl_utils.c:505:libxl_read_exactly: file/stream truncated reading ready message from migration receiver stream\n' +
        `libxl: info: libxl_exec.c:117:libxl_report_child_exitstatus: ${ended(1)}Migration failed, resuming at sender.\n`,
    );
    await settle(p);
    expect([names(p.from), names(p.to), monitors(p.from), monitors(p.to)]).toEqual([['a'], [], [], []]);
    expect(only(p.from)).toMatchObject({ domid: 1, ended: null, paused: false });
    expect(freeKiB(p.to.world)).toBe(freeKiB(bench().world));
  });
  it('for its name is found out last of all: it goes on here, without its monitor', async () => {
    const p = await pair();
    p.to.put('/etc/xen/x.cfg', cfg('a', { disk: null }));
    await p.to.run('xl create -q /etc/xen/x.cfg');
    const { rc, err } = await migrate(p);
    expect(rc).toBe(1);
    expect(err).toContain(
      'migration target: Got permission, starting domain.\n' +
        'libxl: error: libxl_domain.c:81:libxl__domain_rename: Domain 2:Domain with name "a" already exists.\n' +
        'migration sender: Target reports startup failure (status code 6).\nmigration target: Failure, destroying our copy.\n' +
        'migration target: Cleanup OK, granting sender permission to resume.\nmigration sender: Trying to resume at our end.\n' +
        'migration sender: Resumed OK.\nMigration failed due to problems at target.\n',
    );
    await settle(p);
    expect([names(p.from), names(p.to), monitors(p.from)]).toEqual([['a'], ['a'], []]);
    expect(only(p.from)?.ended).toBeNull();
  });
  it('of a PV guest without shadow paging: it runs on, with its monitor', async () => {
    const p = await pair({ type: '"pv"' });
    const { rc, err } = await migrate(p);
    expect(rc).toBe(1);
    expect(flat(err)).toContain(
      'xc: error: Failed to enable logdirty: 95,22,0 (22 = Invalid argument): Internal error\n' +
        'xc: error: Save failed (22 = Invalid argument): Internal error\n' +
        'libxl: error: libxl_stream_write.c:347:libxl__xc_domain_save_done: Domain 1:saving domain: domain did not respond to suspend request: Invalid argument\n' +
        'migration sender: libxl_domain_suspend failed (rc=-8)\n',
    );
    expect(flat(err).endsWith(`${ended(1)}Migration failed, failed to suspend at sender.\n`)).toBe(true);
    expect([names(p.from), names(p.to), monitors(p.from)]).toEqual([['a'], [], [created]]);
  });
});

describe('a migration that breaks', () => {
  /** Its process, to be killed once `when` holds. */
  const killed = async (p: Pair, when: () => boolean): Promise<void> => {
    const process = makeProcess(p.from.world.clock);
    void runProgram(p.from.world, process, ['xl', 'migrate', '-s', ssh(), 'a', 'dom02']);
    while (!when()) await p.from.run('sleep 0.02');
    process.kill();
    await settle(p);
  };
  it('killed in the copy leaves nothing there, and all here', async () => {
    const p = await pair();
    await killed(p, () => (only(p.to)?.actualKiB ?? 0) > 30_000);
    expect([names(p.from), names(p.to), monitors(p.from)]).toEqual([['a'], [], [created]]);
    expect((await migrate(p)).rc).toBe(0);
  });
  it('killed once it is suspended leaves it so here, for good', async () => {
    const p = await pair();
    await killed(p, () => only(p.from)?.ended === 'suspend');
    expect([names(p.from), names(p.to), monitors(p.from)]).toEqual([['a'], [], []]);
    expect(only(p.from)).toMatchObject({ ended: 'suspend', paused: false });
    expect((await p.from.run('xl list')).out).toMatch(/^a .* {5}---ss- /m);
  });
  it('where the target goes down in the copy, ssh finds out after 15 s, and all is here as it was', async () => {
    const p = await pair();
    const work = migrate(p);
    while ((only(p.to)?.actualKiB ?? 0) < 30_000) await p.from.run('sleep 0.02');
    const at = p.from.world.clock.now();
    const dom0 = { ...makeDom0(p.to.world.server, 'seed', Infinity), world: p.to.world };
    reboot(dom0);
    const { rc, err } = await work;
    expect(rc).toBe(1);
    expect(p.from.world.clock.now() - at).toBeGreaterThan(15_000);
    expect(err).toContain('Timeout, server 10.77.0.2 not responding.\r\n');
    expect([names(p.from), names(p.to), monitors(p.from)]).toEqual([['a'], [], [created]]);
    expect(only(p.from)?.ended).toBeNull();
  });
  it.each([
    ['hangs', 124, ['a runs'], [], [created]],
    ['fails-at-target', 1, ['a runs'], [], []],
    ['cut', 1, ['a runs'], ['a--incoming paused'], []],
    ['undefined', 1, ['a--migratedaway suspended'], ['a runs'], []],
  ] as const)('by the fault %s', async (fault, rc, here, there, watched) => {
    const p = await pair();
    p.to.world.migrationFault = fault;
    const { clock } = p.from.world;
    const process = makeProcess(clock);
    const result = await clock.during(
      withTimeout(clock, process, 60, (own) =>
        runProgram(p.from.world, own, ['xl', 'migrate', '-s', ssh(), 'a', 'dom02']),
      ),
    );
    await settle(p);
    expect([result.rc, states(p.from), states(p.to), monitors(p.from)]).toEqual([rc, here, there, watched]);
    expect(
      result.err.includes('** Migration failed during final handshake **\nDomain state is now undefined !\n'),
    ).toBe(fault === 'undefined');
  });
});
