/** Repositories in a plan: attached where they are not, left alone where anything is odd, detached where nobody uses them. */
import { describe, expect, it } from 'vitest';
import type { PlanOptions } from '../../../src/kinds/plan.ts';
import { withEntry } from '../../../src/kinds/repository/fstab.ts';
import { noStorage, type Storage, type StoreSeen } from '../../../src/kinds/repository/live.ts';
import type { RepositorySpec } from '../../../src/kinds/repository/spec.ts';
import { stale } from '../../../src/plan/index.ts';
import type { ServerSeen } from '../../../src/kinds/server/live.ts';
import { disk, farm, observed, perform, plan as planOf, server, sharedNfs, spec } from './world.ts';

const nfs = sharedNfs;
const dir: RepositorySpec = {
  ...nfs,
  name: 'local',
  type: 'dir',
  source: undefined,
  path: '/srv/local',
  shared: false,
};

const uuid = '0c9b1d1e-5a5e-5b7e-9c41-2f8d5a7b1c02';
const marker = { format: 1 as const, farm: 'test', repository: 'vmstore', uuid };
const there = (m: typeof marker | 'odd' | null): StoreSeen => ({
  is: 'there',
  marker: m,
  empty: m === null,
  space: null,
  disks: {},
  images: {},
  leases: {},
  saved: [],
});
const mount = { source: 'filer:/vmstore', path: '/srv/vmstore', type: 'nfs4' };
const fstab = { text: withEntry('', { ...nfs, source: 'filer:/vmstore' }), digest: 'f' };
const bookOf = (id = uuid, farmName = 'test'): Storage['book'] => ({
  value: { format: 1, farm: farmName, repositories: { vmstore: { path: '/srv/vmstore', uuid: id } } },
  digest: 'b',
});
/** All is as it shall be. */
const attached: Storage = { mounts: [mount], fstab, book: bookOf(), stores: { '/srv/vmstore': there(marker) } };
const bare: Storage = { ...noStorage, stores: { '/srv/vmstore': { is: 'missing' }, '/srv/local': { is: 'missing' } } };

const on = (storage: Storage, more: Partial<ServerSeen> = {}): ServerSeen => server({ storage, ...more });

const farmOf = (
  repositories: readonly RepositorySpec[],
  vms: Parameters<typeof farm>[0] = [],
  servers = ['a', 'b'],
) => {
  const f = farm(vms, servers);
  return {
    ...f,
    pools: f.pools.map((p) => ({ ...p, repositories: Object.fromEntries(repositories.map((r) => [r.name, r])) })),
  };
};
const plan = (
  seen: Readonly<Record<string, ServerSeen>>,
  f = farmOf([nfs], [], Object.keys(seen)),
  options: Partial<PlanOptions> = {},
) => planOf(f, observed(seen), options);
const ids = (p: ReturnType<typeof plan>): readonly string[] => p.operations.map((o) => o.id);
const whys = (p: ReturnType<typeof plan>): string => p.refused.map((r) => `${r.what}: ${r.why}`).join('\n');

describe('attaching', () => {
  it('mounts a new shared store everywhere; one server marks it, and the others look after that', () => {
    const p = plan({ a: on(bare), b: on(bare) });
    expect(ids(p)).toEqual([
      'p/vmstore/attach-repository/a',
      'p/vmstore/mark-repository/a',
      'p/vmstore/attach-repository/b',
      'p/vmstore/mark-repository/b',
    ]);
    // A client that mounts it before there is a marker may not see it for a while.
    expect(p.operations[2]?.needs).toEqual(['p/vmstore/mark-repository/a']);
    expect(p.operations[3]?.needs).toEqual(['p/vmstore/attach-repository/b', 'p/vmstore/mark-repository/a']);
    expect(p.operations.map((o) => o.op)).toMatchObject([
      { mount: true, persist: true },
      { uuid: null, fresh: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      { mount: true, persist: true },
      { uuid: null, fresh: null },
    ]);
    expect(p.bound).toBe(4);
    expect(p.scope).toEqual(['a', 'b']);
  });

  it('expects of a new server the store that the others have', () => {
    const p = plan({ a: on(attached), b: on(bare) });
    expect(p.operations.map((o) => o.op)).toMatchObject([
      { server: 'b', verb: 'attach-repository' },
      { server: 'b', verb: 'mark-repository', uuid, fresh: null },
    ]);
  });

  it('mounts again what came down, and makes sure that it is the same store', () => {
    const p = plan({ a: on({ ...attached, mounts: [], stores: { '/srv/vmstore': there(null) } }) });
    expect(p.operations.map((o) => o.op)).toMatchObject([
      { verb: 'attach-repository', mount: true, persist: false },
      { verb: 'mark-repository', uuid, fresh: null },
    ]);
  });

  it('does nothing where all is as it shall be', () => {
    const p = plan({ a: on(attached), b: on(attached) });
    expect([ids(p), p.refused, p.warnings]).toEqual([[], [], []]);
  });

  it('takes over what somebody mounted, and leaves that person’s line of fstab alone', () => {
    const own = { text: 'filer:/vmstore /srv/vmstore nfs hard 0 0\n', digest: 'f' };
    const p = plan({ a: on({ ...attached, fstab: own, book: null }) });
    expect(p.operations.map((o) => o.op)).toMatchObject([{ verb: 'mark-repository', uuid, fresh: null }]);
  });

  it('writes a line of fstab anew that says other options, without mounting again', () => {
    const p = plan({ a: on(attached) }, farmOf([{ ...nfs, options: 'vers=4.2' }], [], ['a']));
    expect(p.operations.map((o) => o.op)).toMatchObject([{ verb: 'attach-repository', mount: false, persist: true }]);
  });

  it('makes the folder of a local store, and a store of its own on each server', () => {
    const p = plan({ a: on(bare), b: on(bare) }, farmOf([dir]));
    const fresh = p.operations.flatMap((o) => (o.op.verb === 'mark-repository' ? [o.op.fresh] : []));
    expect(ids(p)).toHaveLength(4);
    expect(new Set(fresh).size).toBe(2);
  });
});

describe('is left alone, and that is said', () => {
  it.each<[string, Partial<Storage>, RegExp]>([
    [
      'an empty mount point',
      { mounts: [mount], stores: { '/srv/vmstore': there(null) } },
      /has not the marker that it had/,
    ],
    ['a marker of another farm', { stores: { '/srv/vmstore': there({ ...marker, farm: 'other' }) } }, /farm other/],
    ['another store', { book: bookOf('11111111-5a5e-5b7e-9c41-2f8d5a7b1c02') }, /another store/],
    ['a marker that cannot be read', { stores: { '/srv/vmstore': there('odd') } }, /cannot be read/],
    ['something else mounted there', { mounts: [{ ...mount, source: 'old:/x' }] }, /old:\/x is mounted/],
    [
      'somebody’s line of fstab',
      { mounts: [], fstab: { text: 'old:/x /srv/vmstore nfs a 0 0', digest: '' } },
      /old:\/x/,
    ],
    ['a store that does not answer', { stores: { '/srv/vmstore': { is: 'stuck' } } }, /does not answer/],
    ['a book that cannot be read', { book: { value: 'odd', digest: 'b' } }, /repositories\.json cannot be read/],
    ['a server of another farm', { book: bookOf(uuid, 'other') }, /for farm other/],
  ])('%s', (_, change, why) => {
    const p = plan({ a: on({ ...attached, ...change }) });
    expect(ids(p)).toEqual([]);
    expect(whys(p)).toMatch(why);
  });

  it('a local folder that is gone', () => {
    const book: Storage['book'] = {
      value: { format: 1, farm: 'test', repositories: { local: { path: '/srv/local', uuid } } },
      digest: 'b',
    };
    const p = plan({ a: on({ ...bare, book }) }, farmOf([dir], [], ['a']));
    expect(ids(p)).toEqual([]);
    expect(whys(p)).toMatch(/no folder \/srv\/local any more/);
  });

  it('a shared store that nobody who answered knows, while somebody did not answer', () => {
    const f = farmOf([nfs]);
    const p = planOf(f, observed({ a: on(bare) }), {});
    expect(ids(p)).toEqual([]);
    expect(whys(p)).toMatch(/b could not be read, and may have it already/);
    // One that is known is attached all the same.
    expect(
      ids(planOf(farmOf([nfs], [], ['a', 'b', 'c']), observed({ a: on(attached), b: on(bare) }), {})),
    ).toHaveLength(2);
  });

  it('two servers that have different stores under one name', () => {
    const other = '11111111-5a5e-5b7e-9c41-2f8d5a7b1c02';
    const b = { ...attached, book: bookOf(other), stores: { '/srv/vmstore': there({ ...marker, uuid: other }) } };
    const p = plan({ a: on(attached), b: on(b), c: on(bare) });
    expect(ids(p)).toEqual([]);
    expect(whys(p)).toMatch(/a and b have different stores/);
  });
});

describe('a VM whose disk lies in it', () => {
  const web = spec('web', { servers: ['a'], disks: { xvda: disk('/srv/vmstore/web.img') } });
  const missing = { paths: { '/srv/vmstore/web.img': 'missing' as const } };

  it('is started once it is attached and known', () => {
    const p = plan({ a: on(bare, missing) }, farmOf([nfs], [web], ['a']));
    expect(p.refused).toEqual([]);
    const start = p.operations.find((o) => o.id === 'web/start');
    expect(start?.needs).toContain('p/vmstore/mark-repository/a');
  });

  it('is not started where it is barred', () => {
    const p = plan({ a: on({ ...attached, stores: { '/srv/vmstore': there(null) } }) }, farmOf([nfs], [web], ['a']));
    expect(ids(p)).toEqual([]);
    expect(whys(p)).toMatch(/web.*repository vmstore/);
  });

  it('goes to a server where it is not', () => {
    const barred = { ...attached, stores: { '/srv/vmstore': there(null) } };
    const p = plan(
      { a: on(barred), b: on(attached, { memory: { total: 4 << 20, free: 2 << 20, reclaimable: 0 } }) },
      farmOf([nfs], [{ ...web, servers: [] }]),
    );
    expect(p.vms.map((v) => [v.subject.name, v.server])).toEqual([['web', 'b']]);
  });
});

describe('detaching', () => {
  const gone = farmOf([{ ...nfs, state: 'absent' }], [], ['a']);

  it('unmounts and forgets what Reeve attached', () => {
    const p = plan({ a: on(attached) }, gone);
    expect(p.operations.map((o) => o.op)).toMatchObject([
      { verb: 'detach-repository', mounted: true, persisted: true, booked: true },
    ]);
    expect(plan({ a: on(bare) }, gone).operations).toEqual([]);
  });

  it('leaves a person’s mount mounted', () => {
    const p = plan(
      { a: on({ ...attached, fstab: { text: 'filer:/vmstore /srv/vmstore nfs a 0 0', digest: 'f' } }) },
      gone,
    );
    expect(p.operations.map((o) => o.op)).toMatchObject([{ mounted: false, persisted: false, booked: true }]);
  });

  it('is refused while a cfg anywhere uses it, and while a server is not read', () => {
    const web = spec('web', { servers: ['a'], disks: { xvda: disk('/srv/vmstore/web.img') } });
    const { operations } = plan({ a: on(attached) }, farmOf([nfs], [web], ['a']));
    const define = operations.find((o) => o.op.verb === 'define');
    const config = define?.op.verb === 'define' ? define.op.record.config : undefined;
    const records = [
      {
        path: '/etc/xen/web.cfg',
        text: '',
        digest: 'd',
        exact: 'd',
        config,
        problem: undefined,
        marker: null,
        autostart: [],
      },
    ];
    expect(whys(plan({ a: on(attached, { records }) }, gone))).toMatch(/web on a uses it/);
    const two = farmOf([{ ...nfs, state: 'absent' }]);
    expect(whys(planOf(two, observed({ a: on(attached) }), {}))).toMatch(/b could not be read/);
  });

  it('of one that left the file wants --prune; without it, it is told', () => {
    const empty = farmOf([], [], ['a']);
    const told = plan({ a: on(attached) }, empty);
    expect([ids(told), told.warnings[0]]).toEqual([[], expect.stringMatching(/vmstore.*no longer in the file/)]);
    expect(plan({ a: on(attached) }, empty, { prune: true }).operations[0]?.op).toMatchObject({
      verb: 'detach-repository',
      mounted: true,
      source: 'filer:/vmstore',
    });
  });
});

describe('part of a run', () => {
  const web = spec('web', { servers: ['a'], disks: { xvda: disk('/srv/vmstore/web.img') } });

  it('is what the targets need', () => {
    const f = farmOf([nfs, dir], [web, spec('other', { servers: ['a'] })], ['a']);
    expect(ids(plan({ a: on(bare) }, f, { targets: ['other'] })).filter((id) => id.startsWith('p/'))).toEqual([]);
    expect(ids(plan({ a: on(bare) }, f, { targets: ['web'] })).filter((id) => id.startsWith('p/'))).toEqual([
      'p/vmstore/attach-repository/a',
      'p/vmstore/mark-repository/a',
    ]);
    expect(ids(plan({ a: on(bare) }, f, { targets: ['repository/local'] }))).toEqual([
      'p/local/attach-repository/a',
      'p/local/mark-repository/a',
    ]);
  });

  it('new ones are the file’s, those that came down are drift', () => {
    const down = on({ ...attached, mounts: [], stores: { '/srv/vmstore': there(null) } });
    expect(plan({ a: on(bare) }, undefined, { cause: 'drift' }).operations).toEqual([]);
    expect(plan({ a: down }, undefined, { cause: 'drift' }).operations).toHaveLength(2);
    expect(plan({ a: down }, undefined, { cause: 'config' }).operations).toEqual([]);
  });

  it('is stale once another store is there', () => {
    const p = plan({ a: on({ ...attached, book: null }) });
    expect(stale(p, observed({ a: on({ ...attached, book: null }) }))).toEqual([]);
    expect(stale(p, observed({ a: on({ ...attached, book: null, mounts: [] }) }))).toHaveLength(1);
  });
});

describe('a repository that is to go', () => {
  it('is begun to be used by nobody, whatever the file says of a VM', () => {
    const going = { ...nfs, state: 'absent' as const };
    const web = spec('web', { disks: { xvda: disk('/srv/vmstore/web.img') } });
    const p = plan({ a: on(attached) }, farmOf([going], [web, spec('free')], ['a']));
    expect(ids(p)).toEqual(['p/vmstore/detach-repository/a', 'free/define', 'free/autostart', 'free/start']);
    expect(p.refused.map((r) => [r.subject.name, r.code])).toEqual([['web', 'repository-leaves']]);
    expect(whys(p)).toContain(
      'a has no use of repository vmstore, where /srv/vmstore/web.img lies: it is to be detached',
    );
  });
});

describe('a server and a repository that go in one plan', () => {
  it('are parted once', () => {
    const going = farmOf([{ ...nfs, state: 'absent' }], [], ['a', 'b']);
    const f = {
      ...going,
      pools: going.pools.map((p) => ({
        ...p,
        servers: p.servers.map((s) => (s.name === 'b' ? { ...s, state: 'absent' as const } : s)),
      })),
    };
    const p = plan({ a: on(attached), b: on(attached) }, f);
    expect([ids(p), p.refused]).toEqual([['p/vmstore/detach-repository/a', 'p/vmstore/detach-repository/b'], []]);
  });
});

describe('a disk that is to go into another repository', () => {
  it('is not copied out of a store that does not answer', () => {
    const web = spec('web', { disks: { xvda: disk('/srv/vmstore/web.img') } });
    const both = farmOf([nfs, dir], [web], ['a']);
    const seen = on({ ...attached, stores: { ...attached.stores, '/srv/local': { is: 'missing' } } });
    const made = plan({ a: seen }, both);
    const running = made.operations.reduce((s, o) => (o.target.kind === 'vm' ? perform(s, o.op) : s), seen);
    const silent = {
      ...running,
      storage: { ...running.storage, stores: { ...running.storage.stores, '/srv/vmstore': { is: 'stuck' as const } } },
    };
    const into = { repository: 'local', folder: '/srv/local', size: 1024 ** 2, from: null };
    const moved = farmOf([nfs, dir], [{ ...web, disks: { xvda: disk('', 'rw', { made: into }) } }], ['a']);
    const p = plan({ a: silent }, moved, { allow: [{ disruption: 'restart', pattern: 'web' }] });
    expect(ids(p).filter((id) => id.startsWith('web/'))).toEqual([]);
    expect(whys(p)).toContain('disk xvda is made from vmstore: ');
  });
});

describe('a store that may not be used', () => {
  const web = spec('web', { disks: { xvda: disk('/srv/vmstore/web.img') } });
  const started = (vm: typeof web, names: readonly string[]) => {
    const seen = Object.fromEntries(names.map((n) => [n, on(attached, { host: n })]));
    const { operations } = plan(seen, farmOf([nfs], [vm], [...names]));
    const [first = ''] = names;
    const a = operations.reduce((s, o) => (o.target.kind === 'vm' ? perform(s, o.op) : s), seen[first] ?? server());
    return { ...seen, [first]: a };
  };

  it('gets no new disk of a VM that is to stop, either', () => {
    const bare = spec('web', { servers: ['a'] });
    const seen = started(bare, ['a']);
    const into = { repository: 'vmstore', folder: '/srv/vmstore', size: 1024 ** 2, from: null };
    const more = { ...bare, state: 'stopped' as const, disks: { xvda: disk('', 'rw', { made: into }) } };
    const p = plan(seen, farmOf([{ ...nfs, state: 'absent' }], [more], ['a']), {
      allow: [{ disruption: 'stop', pattern: 'web' }],
    });
    expect(p.refused.map((r) => [r.subject.name, r.code])).toEqual([['web', 'repository-leaves']]);
  });

  it('keeps a VM from a server, while a disk that it is to lose at its next start is there', () => {
    const seen = started({ ...web, servers: ['a'] }, ['a', 'b']);
    const gone = { ...seen, b: on({ ...attached, stores: { '/srv/vmstore': { is: 'stuck' } } }, { host: 'b' }) };
    const p = plan(gone, farmOf([nfs], [{ ...web, servers: ['b'], disks: {} }], ['a', 'b']));
    expect(p.operations.filter((o) => o.op.verb === 'migrate')).toEqual([]);
    expect(p.refused.filter((r) => r.subject.name === 'web').map((r) => r.code)).toEqual(['no-server-fits']);
  });
});
