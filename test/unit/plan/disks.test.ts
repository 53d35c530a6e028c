/** Disks that Reeve makes: where, when, how many, and never over old bytes or into a full repository. */
import { describe, expect, it } from 'vitest';
import { ref } from '../../../src/core/ref.ts';
import type { ImageSpec } from '../../../src/kinds/image/spec.ts';
import { noStorage, type DiskMarker, type Storage } from '../../../src/kinds/repository/live.ts';
import type { RepositorySpec } from '../../../src/kinds/repository/spec.ts';
import type { ServerSeen } from '../../../src/kinds/server/live.ts';
import { plainDisk, type DiskSpec, type MadeDisk, type VmSpec } from '../../../src/kinds/vm/spec.ts';
import { renderPlan } from '../../../src/report/plan-text.ts';
import { disk, farm, observed, perform, plan as planOf, record, server, sharedNfs, spec } from './world.ts';

const GiB = 1024 ** 2;
const uuid = '0c9b1d1e-5a5e-5b7e-9c41-2f8d5a7b1c02';
const store = sharedNfs;
const made = (size: number, more: Partial<DiskSpec> = {}, from: MadeDisk['from'] = null): DiskSpec => {
  const of: MadeDisk = { repository: 'vmstore', folder: '/srv/vmstore', size, from };
  return disk('', 'rw', { made: of, ...more });
};
const markerOf = (vm: string, vdev: string, size: number): DiskMarker => ({
  format: 1,
  farm: 'test',
  vm,
  uuid,
  vdev,
  size,
  as: 'raw',
});

type Disks = Extract<Storage['stores'][string], { is: 'there' }>['disks'];
const on = (disks: Disks = {}, free = 100 * GiB): ServerSeen =>
  server({
    storage: {
      ...noStorage,
      mounts: [{ source: 'filer:/vmstore', path: '/srv/vmstore', type: 'nfs4' }],
      fstab: { text: 'filer:/vmstore /srv/vmstore nfs a 0 0\n', digest: 'f' },
      book: {
        value: { format: 1, farm: 'test', repositories: { vmstore: { path: '/srv/vmstore', uuid } } },
        digest: 'b',
      },
      stores: {
        '/srv/vmstore': {
          is: 'there',
          marker: { format: 1, farm: 'test', repository: 'vmstore', uuid },
          empty: false,
          space: { size: 200 * GiB, free },
          disks,
          images: {},
          leases: {},
          saved: [],
        },
      },
    },
  });
const farmOf = (vms: readonly VmSpec[], servers = ['a']) => {
  const f = farm(vms, servers);
  return { ...f, pools: f.pools.map((p) => ({ ...p, repositories: { vmstore: store } })) };
};
const web = spec('web', { disks: { xvda: made(20 * GiB) } });
const plan = (vms: readonly VmSpec[], seen: ServerSeen) => planOf(farmOf(vms), observed({ a: seen }), {});
/** What the server is after the plan. */
const after = (seen: ServerSeen, p: ReturnType<typeof plan>['operations']): ServerSeen =>
  p.reduce((s, o) => perform(s, o.op), seen);
const ids = (p: ReturnType<typeof plan>): readonly string[] => p.operations.map((o) => o.id);
const pathIn = (p: ReturnType<typeof plan>): string => {
  const op = p.operations.map((o) => o.op).find((o) => o.verb === 'make-disk');
  return op?.verb === 'make-disk' ? op.path : '';
};
const whys = (p: ReturnType<typeof plan>): string => p.refused.map((r) => `${r.why}; ${r.help}`).join('\n');

describe('a new VM', () => {
  it('gets its disk before its cfg names it, and starts after', () => {
    const p = plan([web], on());
    expect(ids(p)).toEqual(['web/make-disk/xvda', 'web/define', 'web/autostart', 'web/start']);
    expect(p.operations[0]?.op).toMatchObject({
      path: expect.stringMatching(/^\/srv\/vmstore\/disks\/web-xvda-[0-9a-f]{8}\.raw$/),
      size: 20 * GiB,
      format: 'raw',
    });
    const define = p.operations[1]?.op;
    expect(define?.verb === 'define' && define.record.config.disks['xvda']?.path).toBe(pathIn(p));
    expect(p.bound).toBe(4);
    const seen = after(on(), p.operations);
    expect(ids(plan([web], seen))).toEqual([]);
  });

  it('never meets old bytes, whoever left them there', () => {
    const first = pathIn(plan([web], on()));
    const name = first.slice('/srv/vmstore/disks/'.length);
    const again = pathIn(plan([web], on({ [name]: { there: true, marker: markerOf('web', 'xvda', 20 * GiB) } })));
    expect(again).toMatch(/^\/srv\/vmstore\/disks\/web-xvda-[0-9a-f]{8}\.raw$/);
    expect(again).not.toBe(first);
    // A marker of another VM alone is enough: something was, or is being, made there.
    const alone = on({ [name]: { there: false, marker: markerOf('web', 'xvda', 20 * GiB) } });
    expect(pathIn(plan([web], alone))).toBe(again);
  });

  it('makes its disk where an interrupted run began to, so that nothing of that is left', () => {
    const p = plan([web], on());
    const [first, define] = [pathIn(p), p.operations[1]?.op];
    const name = first.slice('/srv/vmstore/disks/'.length);
    const own = { ...markerOf('web', 'xvda', 5 * GiB), uuid: define?.verb === 'define' ? define.uuid : '' };
    const half = { [`${name}.part`]: { there: true, marker: null } };
    expect(pathIn(plan([web], on({ ...half, [name]: { there: false, marker: own } })))).toBe(first);
    expect(pathIn(plan([web], on(half)))).toBe(first);
    // One that has its name is whole.
    expect(pathIn(plan([web], on({ [name]: { there: true, marker: own } })))).not.toBe(first);
  });

  it('gets qcow2 where the file says so', () => {
    const p = plan([spec('web', { disks: { xvda: made(20 * GiB, { format: 'qcow2' }) } })], on());
    expect(pathIn(p)).toMatch(/\.qcow2$/);
    expect(p.operations[0]?.op).toMatchObject({ verb: 'make-disk', format: 'qcow2' });
  });
});

describe('a VM that has its disk', () => {
  const made1 = after(on(), plan([web], on()).operations);
  const without = (seen: ServerSeen): ServerSeen => {
    const s = seen.storage.stores['/srv/vmstore'];
    if (s?.is !== 'there') throw new Error('no store');
    return { ...seen, storage: { ...seen.storage, stores: { '/srv/vmstore': { ...s, disks: {} } } } };
  };

  it('gets another one beside it', () => {
    const more = spec('web', { disks: { xvda: made(20 * GiB), xvdb: made(5 * GiB) } });
    const p = plan([more], made1);
    expect(ids(p)).toEqual(['web/make-disk/xvdb', 'web/define', 'web/settle', 'web/attach-disk/xvdb']);
    expect(p.bound).toBe(4);
    expect(ids(plan([more], after(made1, p.operations)))).toEqual([]);
  });

  it('gets a new one where one was taken out before, and is told of the old one, which nobody uses', () => {
    const both = spec('web', { disks: { xvda: made(20 * GiB), xvdb: made(5 * GiB) } });
    const first = plan([both], made1);
    const had = observed({ a: after(made1, first.operations) });
    const taking = planOf(farmOf([web]), had, { allow: [{ disruption: 'device', pattern: 'web' }] });
    const seen = after(after(made1, first.operations), taking.operations);
    const again = plan([both], seen);
    expect(pathIn(again)).not.toBe(pathIn(first));
    expect(again.warnings).toEqual([
      `web: disk xvdb is made anew, and its old one lies unused: ${pathIn(first)}. Write \`xvdb: { adopt: ${pathIn(first)} }\` to use it again`,
    ]);
    expect(renderPlan(again, { color: false, width: 100, commands: false })).toContain(
      'new: 5GiB in repository vmstore',
    );
    const old = { repository: 'vmstore', folder: '/srv/vmstore', size: undefined };
    const adopts = spec('web', { disks: { xvda: made(20 * GiB), xvdb: disk(pathIn(first), 'rw', { adopt: old }) } });
    expect(plan([adopts], seen).warnings).toEqual([]);
    // One that another VM has taken meanwhile does not lie unused.
    const [own] = seen.records;
    if (!own?.config) throw new Error('no cfg');
    const config = { ...own.config, name: 'db', uuid: null, disks: { xvda: { ...plainDisk, path: pathIn(first) } } };
    const taken = { ...seen, records: [own, record('/etc/xen/db.cfg', config, null)] };
    expect(plan([both], taken).warnings).toEqual([]);
  });

  it('is not given a blank one in place of one that is gone', () => {
    const p = plan([web], without(made1));
    expect(ids(p)).toEqual([]);
    expect(whys(p)).toMatch(/disk xvda of web is gone: .*web-xvda-/);
  });

  it('never shrinks it', () => {
    expect(whys(plan([spec('web', { disks: { xvda: made(10 * GiB) } })], made1))).toMatch(
      /would shrink from 20GiB to 10GiB; a disk is never shrunk: write size: 20GiB/,
    );
  });

  it('has it grown while it runs; the guest sees that when it starts again', () => {
    const larger = spec('web', { disks: { xvda: made(30 * GiB) } });
    const p = plan([larger], made1);
    expect(ids(p)).toEqual(['web/grow-disk/xvda']);
    expect(p.operations[0]?.op).toMatchObject({ from: 20 * GiB, size: 30 * GiB });
    expect(p.bound).toBe(1);
    expect(p.vms[0]).toMatchObject({ action: 'update', disruption: 'none' });
    expect(p.vms[0]?.changes[0]?.way?.why).toMatch(/guest sees it when it starts again/);
    expect(ids(plan([larger], after(made1, p.operations)))).toEqual([]);
  });

  it('of qcow2 has it grown while nobody has it open', () => {
    const of = (size: number, state: 'running' | 'stopped') =>
      spec('web', { state, disks: { xvda: made(size, { format: 'qcow2' }) } });
    const up = after(on(), plan([of(20 * GiB, 'running')], on()).operations);
    expect(whys(plan([of(30 * GiB, 'running')], up))).toMatch(/its QEMU has it open; stop web first/);
    const down = after(on(), plan([of(20 * GiB, 'stopped')], on()).operations);
    expect(ids(plan([of(30 * GiB, 'stopped')], down))).toEqual(['web/grow-disk/xvda']);
  });

  it('does not grow over the room of its repository', () => {
    const full = { ...made1, storage: on({}, 5 * GiB).storage };
    const s = made1.storage.stores['/srv/vmstore'];
    const disks = s?.is === 'there' ? s.disks : {};
    const seen = { ...full, storage: on(disks, 5 * GiB).storage };
    expect(whys(plan([spec('web', { disks: { xvda: made(30 * GiB) } })], seen))).toMatch(
      /5GiB free, and 10GiB are needed/,
    );
  });

  it('keeps it when it is deleted, even one that is gone', () => {
    const gone = { ...web, state: 'absent' as const };
    const p = planOf(farmOf([gone]), observed({ a: without(made1) }), {
      allow: [{ disruption: 'stop', pattern: '*' }],
    });
    expect(ids(p)).toEqual(['web/stop', 'web/undefine']);
  });

  it.each(['/dev/vg0/web', '/dev/disk/by-id/scsi-web', '/srv/web.img'])(
    'is moved out of a path of its own, %s, by a restart that copies it, and its old bytes stay there',
    (path) => {
      const own = after(on(), plan([spec('web', { disks: { xvda: disk(path) } })], on()).operations);
      const asked = plan([web], own);
      expect(ids(asked)).toEqual([]);
      expect(whys(asked)).toMatch(/it is copied while the VM is down.*--allow restart=web/);
      const p = planOf(farmOf([web]), observed({ a: own }), { allow: [{ disruption: 'restart', pattern: 'web' }] });
      // From then on its autostart leads through the shared store.
      expect(ids(p)).toEqual(['web/autostart', 'web/restart']);
    },
  );
});

describe('a repository', () => {
  it('is not filled: what does not fit is refused, what fits is made', () => {
    const vms = ['a', 'b', 'c'].map((key) => spec(key, { disks: { xvda: made(20 * GiB) } }));
    const p = plan(vms, on({}, 45 * GiB));
    expect(p.operations.filter((o) => o.op.verb === 'make-disk').map((o) => o.target.name)).toEqual(['a', 'b']);
    expect(p.refused.map((r) => r.subject)).toEqual([ref('vm', 'c')]);
    expect(whys(p)).toMatch(/vmstore has 5GiB free, and 20GiB are needed; free 15GiB/);
  });

  it('that is still to be mounted is waited for', () => {
    const bare = server({ storage: { ...noStorage, stores: { '/srv/vmstore': { is: 'missing' } } } });
    const p = plan([web], bare);
    const make = p.operations.find((o) => o.op.verb === 'make-disk');
    expect(make?.needs).toContain('p/vmstore/mark-repository/a');
  });

  it('of each server’s own has an image only where something needs it, and room for it with the disk', () => {
    const image: ImageSpec = {
      name: 'debian',
      what: 'template',
      source: './debian.raw',
      sha256: '0'.repeat(64),
      size: 3 * GiB,
      format: 'raw',
      repository: 'vmstore',
      folder: '/srv/vmstore',
      shared: false,
      path: '/srv/vmstore/images/debian-0.raw',
      state: 'present',
      origin: { file: 'farm.yaml', pointer: '/templates/debian' },
    };
    const from = { template: 'debian', path: image.path, format: 'raw' } as const;
    const of = (key: string): VmSpec => spec(key, { disks: { xvda: made(20 * GiB, {}, from) } });
    const planned = (vms: readonly VmSpec[], free: number) => {
      const f = farmOf(vms);
      const pools = f.pools.map((p) => ({
        ...p,
        images: [image],
        repositories: { vmstore: { ...store, type: 'dir' as const, source: undefined, shared: false } },
      }));
      return planOf({ ...f, pools }, observed({ a: on({}, free) }), {});
    };
    const verbs = (p: ReturnType<typeof planned>): readonly string[] =>
      p.operations.flatMap((o) => (['fetch-image', 'make-disk'].includes(o.op.verb) ? [o.op.verb] : []));
    expect(verbs(planned([], 1 * GiB))).toEqual([]);
    expect(verbs(planned([of('web')], 23 * GiB))).toEqual(['fetch-image', 'make-disk']);
    const short = planned([of('web')], 22 * GiB);
    expect([verbs(short), whys(short)]).toEqual([
      [],
      expect.stringMatching(/vmstore on a has 22GiB free, and 23GiB are needed; free 1GiB/),
    ]);
    // It is there once for both.
    expect(verbs(planned([of('web'), of('db')], 43 * GiB))).toEqual(['fetch-image', 'make-disk', 'make-disk']);
  });
});

describe('a repository that each server has for itself', () => {
  const own = { ...store, type: 'dir', source: undefined, shared: false } as unknown as RepositorySpec;
  const farmWith = (vms: readonly VmSpec[]) => {
    const f = farm(vms, ['a', 'b']);
    return { ...f, pools: f.pools.map((p) => ({ ...p, repositories: { vmstore: own } })) };
  };
  /** `a` has more memory. */
  const twoWith = (a: number, b: number) =>
    observed({ a: on({}, a * GiB), b: { ...on({}, b * GiB), memory: { ...server().memory, free: 16 * GiB } } });
  const homes = (p: ReturnType<typeof plan>) =>
    Object.fromEntries(p.vms.filter((v) => v.operations.length > 0).map((v) => [v.name, v.server]));

  it('decides who can take a new VM', () => {
    expect(homes(planOf(farmWith([web]), twoWith(50, 50), {}))).toEqual({ web: 'a' });
    expect(homes(planOf(farmWith([web]), twoWith(5, 50), {}))).toEqual({ web: 'b' });
    const still = { ...web, state: 'stopped' as const };
    expect(homes(planOf(farmWith([still]), twoWith(5, 50), {}))).toEqual({ web: 'b' });
  });

  it('is shared out among several, those that only lie there, too', () => {
    for (const state of ['running', 'stopped'] as const) {
      const vms = ['w1', 'w2', 'w3'].map((key) => spec(key, { state, disks: { xvda: made(20 * GiB) } }));
      const p = planOf(farmWith(vms), twoWith(25, 45), {});
      expect(p.refused).toEqual([]);
      expect(Object.values(homes(p)).sort()).toEqual(['a', 'b', 'b']);
    }
  });

  it('and where none has the space, each is named with what it lacks', () => {
    for (const state of ['running', 'stopped'] as const) {
      const p = planOf(farmWith([{ ...web, state }]), twoWith(5, 12), {});
      expect(ids(p)).toEqual([]);
      expect(whys(p)).toContain('a lacks 15GiB in repository vmstore; b lacks 8GiB in repository vmstore');
    }
    const [refused] = planOf(farmWith([web]), twoWith(5, 12), {}).refused;
    expect(refused?.help).toBe('free some space there, take smaller disks, or give it another server');
  });
});
