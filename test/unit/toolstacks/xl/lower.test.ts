/** Operations on a running domain: what they need, what they run, what tells that they worked. */
import { describe, expect, it } from 'vitest';
import type { ServerSeen } from '../../../../src/kinds/server/live.ts';
import type { VmOp } from '../../../../src/kinds/vm/ops.ts';
import { plainDisk, plainNic, type NicConfig } from '../../../../src/kinds/vm/spec.ts';
import { pathsOf } from '../../../../src/toolstacks/xl/lower/needs.ts';
import { rescue } from '../../../../src/toolstacks/xl/lower/rescue.ts';
import { base, domain, hvm, lowered, MiB, none, refused, server, steps, up, uuid, words } from './ops.ts';

const vdev = 'xvdb';
const disk = { ...plainDisk, path: '/d2', access: 'ro' as const };
const qcow = { ...disk, format: 'qcow2' };
const nic = (device: Partial<NicConfig> = {}): VmOp => {
  const at = { mac: '02:00:00:00:00:02', bridge: 'br0' };
  return { ...base, verb: 'attach-nic', nic: 'eth1', ...at, device: { ...plainNic, ...at, ...device } };
};
const sched = (scheduler: string): VmOp => ({ ...base, verb: 'set-sched', weight: 512, cap: 50, scheduler });
const cd = (path: string | null, drive = 'hdc'): VmOp => ({
  ...base,
  verb: 'change-cd',
  vdev: drive,
  path,
  from: '/x.iso',
});
const uphvm = server([hvm]);

describe('operations on a running domain name its domid', () => {
  it.each<[string, VmOp, readonly string[], ServerSeen?]>([
    ['set-memory', { ...base, verb: 'set-memory', kib: 112 * MiB, from: 128 * MiB }, ['xl mem-set 7 112m']],
    ['set-vcpus', { ...base, verb: 'set-vcpus', count: 2, from: 1 }, ['xl vcpu-set 7 2']],
    ['set-vcpus past the host’s', { ...base, verb: 'set-vcpus', count: 3, from: 1 }, ['xl vcpu-set -i 7 3']],
    ['set-sched', sched('credit2'), ['xl sched-credit2 -d 7 -w 512 -c 50']],
    ['set-sched of the older one', sched('credit'), ['xl sched-credit -d 7 -w 512 -c 50']],
    ['set-sched of the server’s', sched(''), ['xl sched-credit2 -d 7 -w 512 -c 50']],
    [
      'set-affinity',
      { ...base, verb: 'set-affinity', hard: '0-1,3', soft: 'all' },
      ['xl vcpu-pin 7 0 0-1,3 all', 'xl vcpu-pin 7 1 0-1,3 all'],
    ],
    ['set-cpupool', { ...base, verb: 'set-cpupool', pool: 'fast', from: 'Pool-0' }, ['xl cpupool-migrate 7 fast']],
    ['rename', { ...base, verb: 'rename', to: 'www' }, ['xl rename 7 www']],
    ['rename that is done', { ...base, verb: 'rename', to: 'web' }, []],
    ['change-cd', cd('/y.iso'), ['xl cd-insert 7 hdc /y.iso'], uphvm],
    ['change-cd to none', cd(null), ['xl cd-eject 7 hdc'], uphvm],
    ['change-cd that is done', cd('/x.iso'), [], uphvm],
    [
      'attach-disk',
      { ...base, verb: 'attach-disk', vdev, disk },
      ['xl block-attach 7 format=raw,vdev=xvdb,access=ro,target=/d2'],
    ],
    [
      'attach-disk of a backend',
      { ...base, verb: 'attach-disk', vdev, disk: { ...qcow, backend: 'qdisk' } },
      ['xl block-attach 7 format=qcow2,vdev=xvdb,access=ro,backendtype=qdisk,target=/d2'],
      uphvm,
    ],
    ['detach-disk', { ...base, verb: 'detach-disk', vdev: 'xvda', path: '/d' }, ['xl block-detach 7 xvda']],
    ['detach-disk that is gone', { ...base, verb: 'detach-disk', vdev, path: '/d2' }, []],
    ['attach-nic', nic(), ['xl network-attach 7 mac=02:00:00:00:00:02 bridge=br0']],
    [
      'attach-nic with all there is',
      nic({ vlan: 20, rate: '1250000B/s@50000us', model: 'pv', script: 'vif-mine', extra: ['ip=10.0.0.1'] }),
      [
        'xl network-attach 7 mac=02:00:00:00:00:02 bridge=br0 vlan=20 type=vif rate=1250000B/s@50000us script=vif-mine ip=10.0.0.1',
      ],
    ],
    [
      'attach-nic of an emulated card',
      nic({ model: 'e1000' }),
      ['xl network-attach 7 mac=02:00:00:00:00:02 bridge=br0 model=e1000'],
      uphvm,
    ],
    ['detach-nic', { ...base, verb: 'detach-nic', nic: 'eth0', mac: '02:00:00:00:00:01' }, ['xl network-detach 7 3']],
    [
      'move-nic',
      { ...base, verb: 'move-nic', nic: 'eth0', mac: '02:00:00:00:00:01', bridge: 'br1', from: 'br0' },
      ['ip link set dev vif7.3 master br1'],
    ],
    ['pause', { ...base, verb: 'pause' }, ['xl pause 7']],
    ['unpause', { ...base, verb: 'unpause', saved: null }, ['xl unpause 7']],
    [
      'unpause what was resumed, and not let go on yet',
      { ...base, verb: 'unpause', saved: '/s/suspended/u.save' },
      ['rm -f /s/suspended/u.save', 'xl unpause 7'],
    ],
  ])('%s', (_, op, expected, seen = up) => {
    expect(steps(op, seen)).toEqual(expected);
    // Where the domain is gone, no other one is touched, and the first condition says so.
    const away = lowered(op, none);
    expect(away.steps).toEqual([]);
    expect(away.before[0]).toEqual({ is: 'domain', uuid, state: 'up' });
  });

  it.each<[VmOp, readonly object[], readonly object[]]>([
    [
      { ...base, verb: 'attach-disk', vdev, disk },
      [
        { is: 'path', path: '/d2' },
        { is: 'no-disk', uuid, vdev },
      ],
      [{ is: 'disk', uuid, vdev, path: '/d2', access: 'ro', format: 'raw' }],
    ],
    [
      { ...base, verb: 'attach-disk', vdev, disk: { ...qcow, path: 'nbd:store:10809' } },
      [
        { is: 'qemu', uuid },
        { is: 'no-disk', uuid, vdev },
      ],
      [{ is: 'disk', uuid, vdev, path: 'nbd:store:10809', access: 'ro', format: 'qcow2' }],
    ],
    [
      nic(),
      [
        { is: 'bridge', name: 'br0' },
        { is: 'no-nic', uuid, mac: '02:00:00:00:00:02' },
      ],
      [{ is: 'nic', uuid, mac: '02:00:00:00:00:02', bridge: 'br0', rate: null, script: null }],
    ],
    [
      cd('/y.iso'),
      [
        { is: 'qemu', uuid },
        { is: 'path', path: '/y.iso' },
      ],
      [
        { is: 'cd', uuid, vdev: 'hdc', path: '/y.iso' },
        { is: 'qemu', uuid },
      ],
    ],
    [
      cd(null),
      [{ is: 'qemu', uuid }],
      [
        { is: 'cd', uuid, vdev: 'hdc', path: null },
        { is: 'qemu', uuid },
      ],
    ],
    [sched('credit2'), [], [{ is: 'sched', uuid, weight: 512, cap: 50 }]],
    [{ ...base, verb: 'set-affinity', hard: '0', soft: 'all' }, [], [{ is: 'affinity', uuid, hard: '0', soft: 'all' }]],
    [
      { ...base, verb: 'set-cpupool', pool: 'fast', from: 'Pool-0' },
      [{ is: 'has-cpupool', name: 'fast' }],
      [{ is: 'cpupool', uuid, pool: 'fast' }],
    ],
    [
      { ...base, verb: 'rename', to: 'www' },
      [{ is: 'name-free', name: 'www', uuid }],
      [{ is: 'named', uuid, name: 'www' }],
    ],
    [
      { ...base, verb: 'set-memory', kib: 160 * MiB, from: 128 * MiB },
      [{ is: 'room', kib: 32 * MiB }],
      [{ is: 'memory', uuid, kib: 160 * MiB }],
    ],
  ])('$verb checks what it needs and what came of it', (op, before, after) => {
    const l = lowered(op, uphvm);
    expect(l.before.slice(1)).toEqual(before);
    expect(l.after).toEqual(after);
    expect(l.afterMs).toBeGreaterThanOrEqual(60_000);
    const asked = before.flatMap((c) => ('path' in c ? [c.path] : []));
    expect(pathsOf(op)).toEqual(asked);
  });

  it('memory for a guest that grows is not taken from dom0', () => {
    const grow: VmOp = { ...base, verb: 'set-memory', kib: 160 * MiB, from: 128 * MiB };
    const generous = server([domain], [], { memory: { ...up.memory, reclaimable: 512 * MiB } });
    expect(lowered(grow, generous).before).toContainEqual({ is: 'room', kib: 544 * MiB });
    expect(lowered(grow, server([{ ...domain, state: 'paused' }])).after).toEqual([]);
  });

  it.each<[string, VmOp, ServerSeen, string]>([
    [
      'a disk that was exchanged',
      { ...base, verb: 'detach-disk', vdev: 'xvda', path: '/other' },
      up,
      'xvda is /d by now, not /other',
    ],
    [
      'a vif that is gone',
      { ...base, verb: 'move-nic', nic: 'eth9', mac: 'x', bridge: 'br0', from: null },
      up,
      'web has no vif with the MAC x any more',
    ],
    [
      'a path that xl’s syntax has no room for',
      { ...base, verb: 'attach-disk', vdev, disk: { ...disk, path: '/a\n' } },
      up,
      "xl's disk syntax cannot name /a\n",
    ],
    [
      'a drive that is not there',
      cd('/y.iso', 'hdd'),
      uphvm,
      'web has no CD drive hdd, and a running VM cannot be given one',
    ],
    ['a scheduler without weights', sched('null'), up, 'the scheduler null has no weight and cap'],
    ['a scheduler that was not told', sched(''), server([domain], [], { scheduler: '' }), 'the scheduler is not known'],
  ])('refuse %s', (_, op, seen, why) => {
    expect(refused(op, seen)).toBe(why);
  });
});

describe('ready', () => {
  const ready = (from: 'dom0' | 'here'): VmOp => ({
    ...base,
    verb: 'ready',
    ready: { host: '10.1.2.3', port: 443, from, withinMs: 90_000 },
  });

  it('knocks from dom0 with bash, or from here', () => {
    const probe = { do: 'probe', host: '10.1.2.3', port: 443, deadlineMs: 90_000 };
    const argv = ['bash', '-c', 'exec 3<>"/dev/tcp/$0/$1"', '10.1.2.3', '443'];
    expect(lowered(ready('dom0'), up)).toEqual({
      before: [{ is: 'domain', uuid, state: 'running' }],
      steps: [{ ...probe, from: { argv } }],
      after: [],
      afterMs: 0,
    });
    expect(lowered(ready('here'), up).steps).toEqual([{ ...probe, from: 'here' }]);
  });
});

describe('what is left half made is put right', () => {
  it('a disk and a vif that never connected', () => {
    const attachDisk: VmOp = { ...base, verb: 'attach-disk', vdev, disk };
    const now = server([
      {
        ...domain,
        disks: [...domain.disks, { vdev, path: '/d2', access: 'ro', format: 'raw', backend: 'qdisk', state: 1 }],
        nics: [...domain.nics, { ...plainNic, devid: 5, mac: '02:00:00:00:00:02', bridge: null, state: 0 }],
      },
    ]);
    expect(words(rescue(attachDisk, up, now))).toEqual(['try xl block-detach --force 7 xvdb', 'until no-disk']);
    expect(words(rescue(nic(), up, now))).toEqual(['try xl network-detach 7 5', 'until no-nic']);
    for (const op of [attachDisk, nic()]) {
      expect(rescue(op, now, now)).toEqual([]);
      expect(rescue(op, up, none)).toEqual([]);
    }
  });
});
