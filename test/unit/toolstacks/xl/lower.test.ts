import { describe, expect, it } from 'vitest';
import { digestText } from '../../../../src/core/digest.ts';
import { ref } from '../../../../src/core/ref.ts';
import type { Lowered, Step } from '../../../../src/core/step.ts';
import type { ServerSeen } from '../../../../src/kinds/server/live.ts';
import type { CfgRecord, Domain, Marker } from '../../../../src/kinds/vm/live.ts';
import type { VmOp } from '../../../../src/kinds/vm/ops.ts';
import type { VmConfig } from '../../../../src/kinds/vm/spec.ts';
import { pathsOf, xl } from '../../../../src/toolstacks/xl/index.ts';

const MiB = 1024;
const uuid = '0b9d6f0a-6f5e-5c0e-9a5d-6d0f3a3c0001';
const path = '/etc/xen/web.cfg';
const base = { vm: ref('vm', 'web'), server: 'dom1', uuid, name: 'web' };
const config: VmConfig = {
  name: 'web',
  uuid,
  type: 'pvh',
  vcpus: { count: 1, max: 2 },
  memory: { target: 128 * MiB, max: 128 * MiB },
  boot: { kernel: '/k', ramdisk: '/r', cmdline: null },
  disks: { xvda: { path: '/d', access: 'rw', format: 'raw', extra: [] } },
  nics: [{ mac: '02:00:00:00:00:01', bridge: 'br0', extra: [] }],
  extra: [],
};
const marker: Marker = {
  farm: 'f',
  vm: 'web',
  uuid,
  home: 'dom1',
  generation: 1,
  origin: 'created',
  protect: false,
  macs: {},
  applied: {},
  by: '0',
};
const domain: Domain = {
  domid: 7,
  uuid,
  name: 'web',
  type: 'pvh',
  state: 'running',
  vcpus: { online: 1, max: 2 },
  memory: { target: 128 * MiB, actual: 128 * MiB, max: 128 * MiB },
  boot: config.boot,
  disks: [{ vdev: 'xvda', path: '/d', access: 'rw', format: 'raw', backend: 'phy', state: 4 }],
  nics: [{ devid: 3, mac: '02:00:00:00:00:01', bridge: 'br0', state: 4 }],
  monitored: true,
  pendingUpdate: null,
};
const server = (domains: readonly Domain[], records: readonly CfgRecord[] = []): ServerSeen => ({
  is: 'seen',
  host: 'dom1',
  bootId: 'b',
  xen: { major: 4, minor: 17, version: '4.17', virtCaps: [] },
  cpus: 2,
  memory: { total: 4096 * MiB, free: 1024 * MiB, reclaimable: 0 },
  bridges: ['br0'],
  domains,
  records,
  paths: {},
  monitors: [],
  problems: [],
});
const up = server([domain]);
const stranger: Domain = { ...domain, domid: 4, uuid: uuid.replace('1', '2'), name: 'other' };
const none = server([stranger]);

const lowered = (op: VmOp, seen: ServerSeen): Lowered => {
  const l = xl.lower(op, seen);
  if ('unsupported' in l) throw new Error(l.unsupported);
  return l;
};
/** Steps as a person reads them; what follows a deadline stands behind it. */
const words = (steps: readonly Step[]): readonly unknown[] =>
  steps.map((s) => {
    if (s.do === 'exec') return `${s.mayFail ? 'try ' : ''}${s.argv.join(' ')}`;
    if (s.do !== 'await') return `${s.do} ${s.path}`;
    const what = 'state' in s.until ? s.until.state : s.until.is;
    return s.otherwise.length === 0 ? `until ${what}` : [`until ${what}, or`, ...words(s.otherwise)];
  });
const steps = (op: VmOp, seen: ServerSeen): readonly unknown[] => words(lowered(op, seen).steps);

const start = (more: Partial<Extract<VmOp, { verb: 'start' }>> = {}): VmOp => ({
  ...base,
  verb: 'start',
  path,
  paused: false,
  clear: false,
  config,
  ...more,
});
const stop = (force: boolean): VmOp => ({ ...base, verb: 'stop', deadlineMs: 60_000, force });
const record = { path, marker, config, replaces: 'old' };
const restart = (write: boolean): VmOp => ({
  ...base,
  verb: 'restart',
  record,
  write,
  deadlineMs: 60_000,
  force: false,
});
const vdev = 'xvdb';
const disk = { path: '/d2', access: 'ro' as const, format: 'raw', extra: [] };
const nic = { nic: 'eth1', mac: '02:00:00:00:00:02', bridge: 'br0' };

describe('operations on a running domain name its domid', () => {
  it.each<[string, VmOp, readonly string[]]>([
    ['set-memory', { ...base, verb: 'set-memory', kib: 112 * MiB, from: 128 * MiB }, ['xl mem-set 7 112m']],
    ['set-vcpus', { ...base, verb: 'set-vcpus', count: 2, from: 1 }, ['xl vcpu-set 7 2']],
    ['set-vcpus past the host’s', { ...base, verb: 'set-vcpus', count: 3, from: 1 }, ['xl vcpu-set -i 7 3']],
    [
      'attach-disk',
      { ...base, verb: 'attach-disk', vdev, disk },
      ['xl block-attach 7 format=raw,vdev=xvdb,access=ro,target=/d2'],
    ],
    ['detach-disk', { ...base, verb: 'detach-disk', vdev: 'xvda', path: '/d' }, ['xl block-detach 7 xvda']],
    ['detach-disk that is gone', { ...base, verb: 'detach-disk', vdev, path: '/d2' }, []],
    ['attach-nic', { ...base, verb: 'attach-nic', ...nic }, ['xl network-attach 7 mac=02:00:00:00:00:02 bridge=br0']],
    ['detach-nic', { ...base, verb: 'detach-nic', nic: 'eth0', mac: '02:00:00:00:00:01' }, ['xl network-detach 7 3']],
    [
      'move-nic',
      { ...base, verb: 'move-nic', nic: 'eth0', mac: '02:00:00:00:00:01', bridge: 'br1', from: 'br0' },
      ['ip link set dev vif7.3 master br1'],
    ],
    ['pause', { ...base, verb: 'pause' }, ['xl pause 7']],
    ['unpause', { ...base, verb: 'unpause' }, ['xl unpause 7']],
  ])('%s', (_, op, expected) => {
    expect(steps(op, up)).toEqual(expected);
    // Where the domain is gone, no other one is touched, and the first condition says so.
    const away = lowered(op, none);
    expect(away.steps).toEqual([]);
    expect(away.before[0]).toEqual({ is: 'domain', uuid, state: 'up' });
  });

  it('check what they need and what came of it', () => {
    expect(lowered({ ...base, verb: 'attach-disk', vdev, disk }, up)).toMatchObject({
      before: [
        { is: 'domain', state: 'up' },
        { is: 'path', path: '/d2' },
        { is: 'no-disk', vdev },
      ],
      after: [{ is: 'disk', vdev, path: '/d2', access: 'ro' }],
    });
    const grow: VmOp = { ...base, verb: 'set-memory', kib: 160 * MiB, from: 128 * MiB };
    expect(lowered(grow, up)).toMatchObject({
      before: [{ is: 'domain' }, { is: 'room', kib: 32 * MiB }],
      after: [{ is: 'memory', kib: 160 * MiB }],
    });
    expect(lowered(grow, server([{ ...domain, state: 'paused' }])).after).toEqual([]);
  });

  it('refuse what is not what it was', () => {
    expect(xl.lower({ ...base, verb: 'detach-disk', vdev: 'xvda', path: '/other' }, up)).toEqual({
      unsupported: 'xvda is /d by now, not /other',
    });
    const gone: VmOp = { ...base, verb: 'move-nic', nic: 'eth9', mac: 'x', bridge: 'br0', from: null };
    expect(xl.lower(gone, up)).toHaveProperty('unsupported');
    const odd: VmOp = { ...base, verb: 'attach-disk', vdev, disk: { ...disk, path: '/a,' } };
    expect(xl.lower(odd, up)).toHaveProperty('unsupported');
  });
});

describe('start', () => {
  it('needs name, files, bridges and room', () => {
    expect(lowered(start(), none)).toMatchObject({
      before: [
        { is: 'domain', uuid, state: 'gone' },
        { is: 'path', path },
        { is: 'name-free', name: 'web', uuid },
        { is: 'path', path: '/k' },
        { is: 'path', path: '/r' },
        { is: 'path', path: '/d' },
        { is: 'bridge', name: 'br0' },
        { is: 'room', kib: xl.memoryNeed(config) },
      ],
      after: [{ is: 'domain', uuid, state: 'running' }],
    });
    expect(pathsOf(start())).toEqual([path, '/k', '/r', '/d']);
    expect(steps(start(), none)).toEqual(['xl create -q /etc/xen/web.cfg']);
    expect(steps(start({ paused: true }), none)).toEqual(['xl create -q -p /etc/xen/web.cfg']);
  });

  it('counts what dom0 would give up', () => {
    const generous = { ...none, memory: { ...none.memory, reclaimable: 512 * MiB } };
    expect(lowered(start(), generous).before).toContainEqual({ is: 'room', kib: 0 });
  });

  it('clears only a domain that has ended', () => {
    const crashed = server([{ ...domain, state: 'crashed' }]);
    expect(steps(start({ clear: true }), crashed)).toEqual([
      'try xl destroy 7',
      'until gone',
      'xl create -q /etc/xen/web.cfg',
    ]);
    expect(lowered(start({ clear: true }), crashed).before[0]).toEqual({ is: 'domain', uuid, state: 'ended' });
    for (const [clear, seen] of [
      [true, up],
      [false, crashed],
    ] as const) {
      expect(steps(start({ clear }), seen)).toEqual(['xl create -q /etc/xen/web.cfg']);
      expect(lowered(start({ clear }), seen).before[0]).toEqual({ is: 'domain', uuid, state: 'gone' });
    }
  });
});

describe('stop', () => {
  it.each<[string, Partial<Domain>, boolean, readonly unknown[]]>([
    ['asks twice', {}, false, ['try xl shutdown 7', ['until gone, or', 'try xl shutdown 7', 'until gone']]],
    [
      'destroys where it may',
      {},
      true,
      [
        'try xl shutdown 7',
        ['until gone, or', 'try xl shutdown 7', ['until gone, or', 'try xl destroy 7', 'until gone']],
      ],
    ],
    [
      'shows HVM the power button',
      { type: 'hvm' },
      false,
      ['try xl shutdown 7', ['until gone, or', 'try xl shutdown -F 7', 'until gone']],
    ],
    [
      'clears away where nobody else does',
      { monitored: false },
      false,
      ['try xl shutdown 7', ['until ended, or', 'try xl shutdown 7', 'until ended'], 'try xl destroy 7', 'until gone'],
    ],
    ['clears what has ended', { state: 'shutdown' }, false, ['try xl destroy 7', 'until gone']],
    ['waits for what is dying', { state: 'dying' }, false, [['until gone, or', 'try xl destroy 7', 'until gone']]],
  ])('%s', (_, more, force, expected) => {
    expect(steps(stop(force), server([{ ...domain, ...more }]))).toEqual(expected);
  });

  it('has nothing to do where it is gone', () => {
    expect(lowered(stop(true), none)).toMatchObject({ before: [], steps: [], after: [{ state: 'gone' }] });
  });
});

describe('cfgs', () => {
  const define = (update: boolean): VmOp => ({ ...base, verb: 'define', record, update });

  it('are written compare and swap, and handed to the domain for its next reboot', () => {
    expect(steps(define(false), up)).toEqual(['write /etc/xen/web.cfg']);
    expect(steps(define(true), up)).toEqual(['write /etc/xen/web.cfg', 'xl config-update 7 /etc/xen/web.cfg']);
    expect(steps(define(true), none)).toEqual(['write /etc/xen/web.cfg']);
    const [write] = lowered(define(false), up).steps;
    const text = write?.do === 'write' ? new TextDecoder().decode(write.bytes) : '';
    expect(write).toMatchObject({ mode: 0o600, onlyIf: 'old' });
    expect(text).toMatch(/^# reeve: \{.*\}\n# .*\n\nname = "web"\n/);
    expect(lowered(define(false), up).after).toEqual([{ is: 'record', path, digest: digestText(text) }]);
  });

  it('that xl cannot hold are refused', () => {
    const bad = { ...record, config: { ...config, name: 'a\0' } };
    expect(xl.lower({ ...base, verb: 'define', record: bad, update: false }, up)).toEqual({
      unsupported: '/etc/xen/web.cfg cannot be written: name: a NUL byte cannot stand in an xl.cfg',
    });
  });

  it('are linked and unlinked for the server’s start', () => {
    expect(steps({ ...base, verb: 'autostart', path, on: true, links: [] }, up)).toEqual([
      'mkdir -p /etc/xen/auto',
      'ln -sfn /etc/xen/web.cfg /etc/xen/auto/web.cfg',
    ]);
    const links = ['/etc/xen/auto/10-web', '/etc/xen/auto/web'];
    expect(steps({ ...base, verb: 'autostart', path, on: false, links }, up)).toEqual([
      'rm -f /etc/xen/auto/10-web',
      'rm -f /etc/xen/auto/web',
    ]);
  });

  it('are removed only when the domain is gone', () => {
    const op: VmOp = { ...base, verb: 'undefine', path, digest: 'd', links: ['/etc/xen/auto/web'] };
    expect(lowered(op, none)).toMatchObject({
      before: [{ is: 'domain', state: 'gone' }],
      steps: [{ argv: ['rm', '-f', '/etc/xen/auto/web'] }, { do: 'remove', path, onlyIf: 'd' }],
      after: [{ is: 'record', path, digest: 'absent' }],
    });
  });
});

describe('restart', () => {
  const check = `/run/reeve/check-${uuid}.cfg`;
  const down = ['try xl shutdown 7', ['until gone, or', 'try xl shutdown 7', 'until gone']];

  it('tries the new cfg before anything is touched', () => {
    expect(steps(restart(true), up)).toEqual([
      `write ${check}`,
      `xl -N create ${check}`,
      `remove ${check}`,
      `write ${path}`,
      ...down,
      `xl create -q ${path}`,
    ]);
    expect(steps(restart(false), up)).toEqual([`xl -N create ${path}`, ...down, `xl create -q ${path}`]);
    // The memory that it has counts towards what it needs.
    expect(lowered(restart(true), up).before).toContainEqual({ is: 'room', kib: xl.memoryNeed(config) - 128 * MiB });
  });

  const written = lowered(restart(true), up).steps.findLast((s) => s.do === 'write');
  const text = written?.do === 'write' ? new TextDecoder().decode(written.bytes) : '';
  const rec = (t: string): CfgRecord => ({
    path,
    text: t,
    digest: digestText(t),
    config: undefined,
    problem: undefined,
    marker: null,
    autostart: [],
  });
  const before = server([domain], [rec('old')]);
  const rescued = (now: ServerSeen, write = true): readonly unknown[] => words(xl.rescue(restart(write), before, now));

  it('starts the old cfg where the new one will not', () => {
    expect(rescued(server([], [rec(text)]))).toEqual([
      `remove ${check}`,
      `write ${path}`,
      `xl create -q ${path}`,
      'until running',
    ]);
    const write = xl.rescue(restart(true), before, server([], [rec(text)]))[1];
    expect(write).toMatchObject({ bytes: new TextEncoder().encode('old'), onlyIf: digestText(text) });
  });

  it('leaves a cfg alone that somebody else wrote', () => {
    expect(rescued(server([], [rec('edited')]))).toEqual([`remove ${check}`, `xl create -q ${path}`, 'until running']);
  });

  it('clears away a new domain that died at once', () => {
    const crashed = { ...domain, domid: 8, state: 'crashed' as const };
    expect(rescued(server([crashed], [rec(text)]))).toEqual([
      `remove ${check}`,
      'try xl destroy 8',
      'until gone',
      `write ${path}`,
      `xl create -q ${path}`,
      'until running',
    ]);
  });

  it('leaves a guest that would not go down as it is', () => {
    expect(rescued(server([domain], [rec(text)]))).toEqual([`remove ${check}`]);
    expect(rescued(server([domain], [rec('old')]), false)).toEqual([]);
  });

  it('gives back the very bytes that were read', () => {
    const latin = { ...rec('# Gr\xf6\xdfe\n'), digest: '' };
    const steps = xl.rescue(restart(true), server([domain], [latin]), server([], [rec(text)]));
    expect(steps[1]).toMatchObject({ bytes: Uint8Array.from([35, 32, 71, 114, 0xf6, 0xdf, 101, 10]) });
  });
});

describe('what is left half made is put right', () => {
  it('a paused domain of a create that was killed', () => {
    const half = server([{ ...domain, state: 'paused' }]);
    expect(words(xl.rescue(start(), none, half))).toEqual(['try xl destroy 7', 'until gone']);
    expect(xl.rescue(start(), none, up)).toEqual([]);
    expect(xl.rescue(start(), up, up)).toEqual([]);
  });

  it('a disk and a vif that never connected', () => {
    const attachDisk: VmOp = { ...base, verb: 'attach-disk', vdev, disk };
    const attachNic: VmOp = { ...base, verb: 'attach-nic', ...nic };
    const now = server([
      {
        ...domain,
        disks: [...domain.disks, { ...disk, vdev, backend: 'qdisk', state: 1 }],
        nics: [...domain.nics, { devid: 5, mac: nic.mac, bridge: null, state: 0 }],
      },
    ]);
    expect(words(xl.rescue(attachDisk, up, now))).toEqual(['try xl block-detach --force 7 xvdb', 'until no-disk']);
    expect(words(xl.rescue(attachNic, up, now))).toEqual(['try xl network-detach 7 5', 'until no-nic']);
    for (const op of [attachDisk, attachNic]) {
      expect(xl.rescue(op, now, now)).toEqual([]);
      expect(xl.rescue(op, up, none)).toEqual([]);
    }
  });
});

describe('for the reader', () => {
  it.each<[VmOp, readonly string[]]>([
    [start({ clear: true }), ['xl destroy web', 'xl create -q /etc/xen/web.cfg']],
    [stop(true), ['xl shutdown web', 'xl destroy web']],
    [
      restart(true),
      [
        `xl -N create /run/reeve/check-${uuid}.cfg`,
        'write /etc/xen/web.cfg',
        'xl shutdown web',
        'xl create -q /etc/xen/web.cfg',
      ],
    ],
    [
      { ...base, verb: 'define', record, update: true },
      ['write /etc/xen/web.cfg', 'xl config-update web /etc/xen/web.cfg'],
    ],
    [
      { ...base, verb: 'attach-disk', vdev, disk: { ...disk, path: '/my disk' } },
      ["xl block-attach web 'format=raw,vdev=xvdb,access=ro,target=/my disk'"],
    ],
    [{ ...base, verb: 'set-memory', kib: 256 * MiB, from: 0 }, ['xl mem-set web 256m']],
  ])('$verb', (op, expected) => {
    expect(xl.commands(op)).toEqual(expected);
  });
});

describe('the memory that a VM takes', () => {
  /** Free memory that a PVH create really cost on Xen 4.17, in MiB: target, maximum, vCPUs. */
  it.each([
    [128, 128, 1, 130],
    [128, 1024, 1, 133],
    [128, 128, 8, 137],
    [128, 160, 3, 132],
    [1024, 1024, 4, 1032],
    [1500, 1500, 16, 1523],
    [64, 2048, 2, 74],
  ])('%i of %i MiB with %i vCPUs cost %i MiB', (target, max, vcpus, cost) => {
    const need = xl.memoryNeed({
      type: 'pvh',
      vcpus: { max: vcpus },
      memory: { target: target * MiB, max: max * MiB },
    });
    expect(need / MiB).toBeGreaterThanOrEqual(cost);
    expect(need / MiB).toBeLessThanOrEqual(cost + 4 + Math.ceil(max / 200));
  });
});
