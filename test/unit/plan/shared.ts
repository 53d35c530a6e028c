/** A pool of three servers with one shared repository, as plain data: VMs that run there as Reeve made them, and how much is free. */
import type { Farm } from '../../../src/kinds/farm.ts';
import { noStorage, type StoreSeen } from '../../../src/kinds/repository/live.ts';
import type { RepositorySpec } from '../../../src/kinds/repository/spec.ts';
import { seenOn, type Observed, type ServerSeen } from '../../../src/kinds/server/live.ts';
import type { VmSpec } from '../../../src/kinds/vm/spec.ts';
import { after, disk, farm, GiB, observed, plan, server } from './world.ts';

export const names = ['a', 'b', 'c'];
const path = '/srv/vmstore';
const uuid = '0c9b1d1e-5a5e-5b7e-9c41-2f8d5a7b1c02';
const repository: RepositorySpec = {
  name: 'vmstore',
  type: 'nfs',
  source: 'filer:/vmstore',
  path,
  options: '',
  shared: true,
  state: 'present',
  origin: { file: 'farm.yaml', pointer: '/repositories/vmstore' },
};

const store: Extract<StoreSeen, { is: 'there' }> = {
  is: 'there',
  marker: { format: 1, farm: 'test', repository: 'vmstore', uuid },
  empty: false,
  space: { size: 200 * GiB, free: 100 * GiB },
  disks: {},
  images: {},
  leases: {},
  saved: [],
};

const bare = (): ServerSeen =>
  server({
    memory: { total: 512 * GiB, free: 400 * GiB, reclaimable: 0 },
    storage: {
      ...noStorage,
      mounts: [{ source: 'filer:/vmstore', path, type: 'nfs4' }],
      fstab: { text: 'filer:/vmstore /srv/vmstore nfs a 0 0\n', digest: 'f' },
      book: { value: { format: 1, farm: 'test', repositories: { vmstore: { path, uuid } } }, digest: 'b' },
      stores: { [path]: store },
    },
  });

/** A disk in the shared repository: its VM can run on any server. */
export const shared = {
  xvda: disk('', 'rw', { made: { repository: 'vmstore', folder: path, size: GiB, from: null } }),
};

export const pooled = (vms: readonly VmSpec[], more: Partial<Farm> = {}): Farm => {
  const f = farm(vms, names, more);
  return { ...f, pools: f.pools.map((p) => ({ ...p, repositories: { vmstore: repository } })) };
};

/** In maintenance, and with so many servers to spare. */
export const tended = (f: Farm, { drained = [] as readonly string[], spare = 0 }): Farm => ({
  ...f,
  pools: f.pools.map((p) => ({
    ...p,
    spare,
    servers: p.servers.map((s) => (drained.includes(s.name) ? { ...s, state: 'maintenance' as const } : s)),
  })),
});

/** Every VM runs where its `servers` say; KiB that are free beside them, by server. */
export const settled = (f: Farm, free: Readonly<Record<string, number>>): Observed => {
  const start = observed(Object.fromEntries(names.map((n) => [n, bare()])));
  const seen = after(start, plan(f, start).operations);
  // What one server has written into the shared repository, all of them see.
  const stores = [...seen.keys()].flatMap((n) => seenOn(seen, n)?.storage.stores[path] ?? []);
  const all = stores.flatMap((s) => (s.is === 'there' ? [s] : []));
  const one = {
    ...store,
    disks: Object.assign({}, ...all.map((s) => s.disks)) as typeof store.disks,
    leases: Object.assign({}, ...all.map((s) => s.leases)) as typeof store.leases,
  };
  return new Map(
    [...seen].map(([n, s]) => {
      const { storage } = s as ServerSeen;
      const memory = { total: 512 * GiB, free: free[n] ?? 0, reclaimable: 0 };
      return [n, { ...(s as ServerSeen), memory, storage: { ...storage, stores: { [path]: one } } }];
    }),
  );
};
