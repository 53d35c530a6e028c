/** One disk in two VMs, of which one writes: neither begins while the other has it, unless the file lets both share it. */
import type { Reason } from '../../core/reason.ts';
import type { Farm } from '../../kinds/farm.ts';
import { seenOn, type Observed } from '../../kinds/server/live.ts';
import { draft, type VmTransition } from '../../kinds/vm/draft.ts';
import type { DiskConfig } from '../../kinds/vm/spec.ts';
import type { Matched } from '../match/match.ts';
import { sharedPaths } from '../model/shared-paths.ts';
import type { Decision } from './decide.ts';

type Disk = Pick<DiskConfig, 'path' | 'access' | 'shared'>;

interface Holder {
  readonly server: string;
  /** Xen's name of it. */
  readonly name: string;
  readonly uuid: string | null;
  readonly disk: Disk;
  /** `begins`: this plan starts it. */
  readonly is: 'runs' | 'begins' | 'cfg';
}

interface Scene {
  readonly farm: Farm;
  readonly observed: Observed;
  readonly matched: Pick<Matched, 'of'>;
}

export interface DiskHolders {
  /** Why the VM must not begin to use its disks now; null: it may, and from now on it counts as one that has them. */
  readonly take: (d: Decision) => Reason | null;
  /** Said of each two that have one disk and cannot both run. */
  readonly warnings: (decisions: readonly Decision[]) => readonly string[];
}

const clash = (a: Disk, b: Disk): boolean => (a.access === 'rw' || b.access === 'rw') && !(a.shared && b.shared);

/** With which disks it would begin. */
const begun = (t: VmTransition): readonly Disk[] => {
  const { disks } = t.keep.size > 0 && t.live?.record ? draft(t).config : t.want.config;
  if (t.mode === 'delete' || t.state === 'stop') return [];
  if (t.state === 'start' || t.mode === 'restart') return Object.values(disks);
  return t.take.flatMap(({ change, way }) =>
    way.how === 'attach-disk' ? (disks[change.field.slice('disks.'.length)] ?? []) : [],
  );
};

/** By the UUID of a VM of the file: the paths that it shares. No cfg and no domain tells that. */
const sharing = ({ farm, matched }: Scene): ((uuid: string | null, path: string) => boolean) => {
  const paths = new Map<string, ReadonlySet<string>>();
  for (const spec of farm.vms) {
    const m = matched.of.get(spec.key);
    const uuid = m?.is === 'matched' ? m.found.uuid : null;
    const own = Object.values(spec.disks ?? {}).flatMap((d) => (d.access === 'shared' ? [d.path] : []));
    if (uuid !== null && own.length > 0) paths.set(uuid, new Set(own));
  }
  return (uuid, path) => uuid !== null && paths.get(uuid)?.has(path) === true;
};

/** All that was seen, by the path of the disk. */
const seenHolders = (scene: Scene): Map<string, Holder[]> => {
  const shares = sharing(scene);
  const byPath = new Map<string, Holder[]>();
  const add = (h: Omit<Holder, 'disk'>, { path, access }: Pick<Disk, 'path' | 'access'>): void => {
    if (path === '') return;
    const holder = { ...h, disk: { path, access, shared: shares(h.uuid, path) } };
    const list = byPath.get(path);
    if (list) list.push(holder);
    else byPath.set(path, [holder]);
  };
  for (const server of scene.observed.keys()) {
    const seen = seenOn(scene.observed, server);
    for (const { name, uuid, disks } of seen?.domains ?? [])
      for (const k of disks) add({ server, name, uuid, is: 'runs' }, k);
    for (const { config } of seen?.records ?? [])
      for (const k of Object.values(config?.disks ?? {}))
        add({ server, name: config?.name ?? '', uuid: config?.uuid ?? null, is: 'cfg' }, k);
  }
  return byPath;
};

/** Whether a path is one disk on both servers. */
const sameDiskIn = (farm: Farm): ((a: string, b: string, path: string) => boolean) => {
  const poolOf = new Map(farm.pools.flatMap((p) => p.servers.map((s) => [s.name, p] as const)));
  const shared = new Map(farm.pools.map((p) => [p, sharedPaths(p)] as const));
  return (a, b, path) => {
    const pool = poolOf.get(a);
    if (a === b) return true;
    return !!pool && pool === poolOf.get(b) && (shared.get(pool) ?? []).some((folder) => path.startsWith(folder));
  };
};

const isSelf = ({ spec, live, whole }: Decision, { uuid, name }: Holder): boolean =>
  uuid === null
    ? [spec.name, live?.domain?.name, live?.record?.config?.name].includes(name)
    : uuid === whole?.want.uuid || uuid === live?.uuid;

export const diskHolders = (scene: Scene): DiskHolders => {
  const byPath = seenHolders(scene);
  const sameDisk = sameDiskIn(scene.farm);
  const rivals = (d: Decision, disk: Disk): readonly Holder[] =>
    (byPath.get(disk.path) ?? []).filter(
      (h) => !isSelf(d, h) && sameDisk(d.server, h.server, disk.path) && clash(disk, h.disk),
    );
  /** Of two writers on one server the order of operations takes care: one may go before the other comes. */
  const ordered = (d: Decision, disk: Disk, h: Holder): boolean =>
    h.is === 'runs' && h.server === d.server && disk.access === 'rw' && h.disk.access === 'rw' && !disk.shared;

  return {
    take: (d) => {
      const disks = d.transition ? begun(d.transition) : [];
      for (const disk of disks) {
        const rival = rivals(d, disk).find((h) => h.is !== 'cfg' && !ordered(d, disk, h));
        if (!rival) continue;
        const { name, server, is } = rival;
        const whose = rival.disk.access === 'rw' ? ' and writes it' : `, which ${d.spec.key} would write`;
        return {
          code: 'in-use',
          why: `${name} ${is === 'runs' ? 'runs' : 'is to start'} on ${server} with disk ${disk.path}${whose}`,
          help: `give each a disk of its own, or stop ${name} and plan again; where their guests can share it, write \`access: shared\` for both`,
        };
      }
      for (const disk of disks) {
        const holder: Holder = {
          server: d.server,
          name: d.spec.name,
          uuid: d.transition?.want.uuid ?? null,
          disk,
          is: 'begins',
        };
        byPath.set(disk.path, [...(byPath.get(disk.path) ?? []), holder]);
      }
      return null;
    },
    warnings: (decisions) => {
      const said = new Map<string, string>();
      for (const d of decisions) {
        if (!d.whole || d.spec.state === 'absent') continue;
        for (const disk of Object.values(d.whole.want.config.disks)) {
          for (const h of rivals(d, disk)) {
            const pair = [`${d.spec.name} on ${d.server}`, `${h.name} on ${h.server}`].sort();
            said.set(
              `${disk.path}\n${pair.join('\n')}`,
              `${pair.join(' and ')} have one disk, ${disk.path}, and it is written: only one of them can run; give each its own, or \`access: shared\` to both where their guests can share it`,
            );
          }
        }
      }
      return [...said.values()];
    },
  };
};
