/** Disks that go by name: each where it lies, and none that somebody has or may have. */
import { describe, expect, it } from 'vitest';
import { statusOf } from '../../../src/cli/status.ts';
import type { Unknown } from '../../../src/core/port.ts';
import type { Farm, PoolSpec } from '../../../src/kinds/farm.ts';
import type { Lease, StoreSeen } from '../../../src/kinds/repository/live.ts';
import type { RepositorySpec } from '../../../src/kinds/repository/spec.ts';
import type { Observed, ServerSeen } from '../../../src/kinds/server/live.ts';
import { after, disk, farm, observed, plan, server, spec } from './world.ts';

const uuid = '0c9b1d1e-5a5e-5b7e-9c41-2f8d5a7b1c02';
const origin = { file: 'farm.yaml', pointer: '/repositories/s' };
const repository = (name: string, shared: boolean): RepositorySpec => ({
  name,
  type: 'dir',
  source: undefined,
  path: `/srv/${name}`,
  options: '',
  shared,
  state: 'present',
  origin,
});
const old = 'old.raw';
const lease = (on: string, path: string): Lease => ({
  format: 1,
  farm: 'test',
  vm: 'old',
  uuid,
  server: on,
  boot: 'b',
  generation: 1,
  disks: { xvda: path },
});
const storeOf = (name: string, leases: readonly (Lease | 'odd')[] = [], vm = 'old', id = uuid): StoreSeen => ({
  is: 'there',
  marker: { format: 1, farm: 'test', repository: name, uuid },
  empty: false,
  space: null,
  disks: {
    [old]: { there: true, marker: { format: 1, farm: 'test', vm, uuid: id, vdev: 'xvda', size: 1024, as: 'raw' } },
  },
  images: {},
  saved: [],
  leases: Object.fromEntries(leases.map((l, i) => [l === 'odd' ? `odd${i}` : l.uuid, { lease: l, digest: `${i}` }])),
});
const on = (host: string, stores: Readonly<Record<string, StoreSeen>>): ServerSeen =>
  server({
    host,
    bootId: `boot of ${host}`,
    storage: {
      mounts: [],
      fstab: null,
      book: {
        value: {
          format: 1,
          farm: 'test',
          repositories: Object.fromEntries(
            Object.keys(stores).map((path) => [path.slice('/srv/'.length), { path, uuid }]),
          ),
        },
        digest: 'b',
      },
      stores,
    },
  });
const having = (f: Farm, ...repositories: readonly RepositorySpec[]): Farm => ({
  ...f,
  pools: f.pools.map((p) => ({ ...p, repositories: Object.fromEntries(repositories.map((r) => [r.name, r])) })),
});
const silent: Unknown = { is: 'unknown', reason: 'unreachable', why: 'no answer' };

const deleting = (f: Farm, seen: Observed) => {
  const p = plan(f, seen, { deleteDisks: [old, old] });
  return [p.operations.map((o) => o.id), p.refused.map((r) => r.why)];
};
const orphans = (f: Farm, seen: Observed, whole = f) =>
  statusOf(f, seen, plan(f, seen), '0', whole).repositories.flatMap((r) => r.orphans);

describe('servers by themselves', () => {
  const f = having(farm([], ['a', 'b']), repository('own', false));
  const both = { a: on('a', { '/srv/own': storeOf('own') }), b: on('b', { '/srv/own': storeOf('own') }) };

  it('may have disks of one name, and each of them goes', () => {
    expect(deleting(f, observed(both))).toEqual([['p/own/delete-disk/a/old.raw', 'p/own/delete-disk/b/old.raw'], []]);
  });

  it('keep one of a VM that another pool has, and that was not read', () => {
    const [p] = f.pools as readonly [PoolSpec];
    const q: PoolSpec = {
      ...p,
      name: 'q',
      repositories: {},
      servers: p.servers.slice(0, 1).map((s) => ({ ...s, name: 'c', pool: 'q' })),
    };
    const whole: Farm = { ...f, pools: [p, q], vms: [spec('old', { pool: 'q' })] };
    const why = 'c could not be read: something there may have it';
    expect(deleting(whole, observed({ ...both }))[1]?.slice(0, 2)).toEqual([why, why]);
    expect([orphans(f, observed(both)), orphans(f, observed(both), whole)]).toEqual([[old], []]);
  });
});

describe('a shared store', () => {
  const [store, more] = [repository('s', true), repository('t', true)];
  const f = having(farm([], ['a', 'b']), store, more);
  const lost = {
    ...f,
    pools: f.pools.map((p) => ({
      ...p,
      servers: p.servers.map((s) => (s.name === 'b' ? { ...s, state: 'lost' as const } : s)),
    })),
  };
  const seen = (b: ServerSeen | Unknown | null, ...leases: readonly (Lease | 'odd')[]): Observed => {
    const a = on('a', { '/srv/s': storeOf('s'), '/srv/t': { ...storeOf('t', leases), disks: {} } as StoreSeen });
    return new Map([['a', a] as const, ...(b ? [['b', b] as const] : [])]);
  };
  const here = on('b', { '/srv/s': storeOf('s'), '/srv/t': { ...storeOf('t'), disks: {} } as StoreSeen });
  const path = `/srv/s/disks/${old}`;

  it('keeps a disk that a lease in any of the stores names, whose server was not read', () => {
    const held = seen(null, lease('b', path));
    expect(deleting(lost, held)).toEqual([[], ['the lease of old on b names it']]);
    expect(orphans(lost, held)).toEqual([]);
    expect(deleting(lost, seen(null, 'odd'))[1]).toEqual(['the lease of odd0 cannot be read, and may be for it']);
  });

  it('keeps it while a server is silent, and does not say that no VM has it', () => {
    expect(deleting(f, seen(silent))[1]).toEqual(['b could not be read: something there may have it']);
    expect(orphans(f, seen(silent))).toEqual([]);
  });

  it('gives up one that nobody has: the lease is for another, or its server was read and has let go', () => {
    const goes = [['p/s/delete-disk/a/old.raw'], []];
    expect(deleting(lost, seen(null, lease('b', '/srv/t/disks/old.raw')))).toEqual(goes);
    expect(deleting(f, seen(here, lease('b', path)))).toEqual(goes);
    expect(orphans(f, seen(here, lease('b', path)))).toEqual([old]);
  });
});

it('a deleted VM keeps its disk while another server has a cfg of it', () => {
  const s = repository('s', true);
  const web = spec('web', { servers: ['a'], disks: { xvda: disk(`/srv/s/disks/${old}`) } });
  const empty = observed({ a: on('a', { '/srv/s': storeOf('s') }), b: on('b', { '/srv/s': storeOf('s') }) });
  const f = having(farm([web], ['a', 'b']), s);
  const made = after(empty, plan(f, empty).operations);
  const a = made.get('a') as ServerSeen;
  const mine = a.records[0]?.config?.uuid ?? '';
  const marked = (x: ServerSeen): ServerSeen => ({
    ...x,
    storage: { ...x.storage, stores: { '/srv/s': storeOf('s', [], 'web', mine) } },
  });
  const gone = having(farm([spec('web', { state: 'absent', deleteDisks: true })], ['a', 'b']), s);
  const verbs = (seen: Observed) =>
    plan(gone, seen, { allow: [{ disruption: 'recreate', pattern: '*' }] }).operations.map((o) => o.op.verb);
  const bare = made.get('b') as ServerSeen;
  expect(verbs(observed({ a: marked(a), b: marked(bare) }))).toContain('delete-disk');
  const copy = marked({ ...bare, records: a.records.map((r) => ({ ...r, marker: null })) });
  const kept = verbs(observed({ a: marked(a), b: copy }));
  expect(kept).toContain('undefine');
  expect(kept).not.toContain('delete-disk');
});
