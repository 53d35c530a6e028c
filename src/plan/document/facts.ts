/** What was observed of each object that a plan touches, part by part: what must still be so when the plan is applied. */
import { canonical, digestOf } from '../../core/digest.ts';
import { formatSize } from '../../core/quantity.ts';
import type { Ref } from '../../core/ref.ts';
import { table } from '../../core/table.ts';
import type { PlanFacts } from '../../kinds/plan.ts';
import { fstabAt } from '../../kinds/repository/fstab.ts';
import { imageName, mountAt, storeOfImage, type StoreSeen } from '../../kinds/repository/live.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import { vcpusOf } from '../../kinds/vm/follows.ts';
import type { Domain } from '../../kinds/vm/live.ts';
import { withoutDigests } from '../../kinds/vm/settings.ts';

type Fact = readonly [part: string, text: string];

/** As people write it, where that loses nothing. */
const textOf = (v: unknown): string => (typeof v === 'string' ? v : canonical(v));

const domainFacts = (d: Domain): readonly Fact[] => [
  ['state', d.state],
  ['UUID', d.uuid],
  ['Xen name', d.name],
  ['type', d.type],
  ['vCPUs', `${vcpusOf(d)} of ${d.vcpus.max}`],
  ['memory', `${formatSize(d.memory.target)} of ${formatSize(d.memory.max)}`],
  ...Object.entries(d.boot).flatMap(([key, v]): readonly Fact[] => (v === null ? [] : [[key, textOf(v)]])),
  ...Object.entries(withoutDigests(d.settings)).map(([key, v]): Fact => [key, textOf(v)]),
  ...Object.entries(d.cdroms).map(([vdev, c]): Fact => [`cd ${vdev}`, c.path === '' ? 'empty' : c.path]),
  ...d.disks.map((k): Fact => [`disk ${k.vdev}`, `${textOf(k.path)} (${k.access})`]),
  ...d.nics.map((n, i): Fact => [`nic ${i + 1}`, `${textOf(n.mac)} on ${textOf(n.bridge)}`]),
];

/** One VM on one server, without what moves by itself: domid, actual memory, NIC states. */
export const vmFacts = (seen: ServerSeen, uuid: string, name: string): PlanFacts => {
  const d = seen.domains.find((x) => x.uuid === uuid) ?? seen.domains.find((x) => x.name === name);
  const records = seen.records.filter(
    (r) => r.config?.uuid === uuid || r.config?.name === name || r.path === `/etc/xen/${name}.cfg`,
  );
  return table([
    ...(d ? domainFacts(d) : [['state', 'not running'] as const]),
    ...records.flatMap((r): readonly Fact[] => [
      [r.path, r.digest],
      ...(r.autostart.length === 0 ? [] : [[`autostart of ${r.path}`, r.autostart.join(' ')] as const]),
    ]),
  ]);
};

const storeFacts = (store: StoreSeen | undefined): readonly Fact[] => [
  ['store', store?.is ?? 'not looked at'],
  ...(store?.is === 'there' ? [['marker of the store', textOf(store.marker)] as const] : []),
];

/** One repository on one server. */
const repositoryFacts = ({ storage }: ServerSeen, path: string): PlanFacts => {
  const mount = mountAt(storage, path);
  const line = fstabAt(storage.fstab?.text ?? '', path);
  return table([
    ...(mount ? [['mount', `${mount.source} (${mount.type})`] as const] : []),
    ...(line ? [['line in fstab', line.source] as const] : []),
    ...storeFacts(storage.stores[path]),
    ...(storage.book ? [['record of repositories', storage.book.digest] as const] : []),
  ]);
};

/** One image on one server; `path` is its file. */
const imageFacts = ({ storage }: ServerSeen, path: string): PlanFacts => {
  const store = storage.stores[storeOfImage(path)];
  const image = store?.is === 'there' ? store.images[imageName(path)] : undefined;
  return table([
    ['store', store?.is ?? 'not looked at'],
    ...(image
      ? ([
          ['file', image.there ? 'there' : 'missing'],
          ['marker', textOf(image.marker)],
          ...(image.special === true ? [['kind', 'no regular file'] as const] : []),
        ] as const)
      : []),
  ]);
};

const serverFacts = (seen: ServerSeen): PlanFacts =>
  table([
    ...(seen.membership ? [['record of its pool', seen.membership.digest] as const] : []),
    ['keys for migrations', digestOf(seen.migration)],
  ]);

/** `name`: of the VM, the repository's path, or the image's file. */
export const factsOf = (subject: Ref, seen: ServerSeen, uuid: string, name: string): PlanFacts => {
  if (subject.kind === 'image') return imageFacts(seen, name);
  if (subject.kind === 'server') return serverFacts(seen);
  return subject.kind === 'repository' ? repositoryFacts(seen, name) : vmFacts(seen, uuid, name);
};
