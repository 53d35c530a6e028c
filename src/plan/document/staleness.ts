/** What was observed of each object that a plan touches, as a digest: what must still be so when the plan is applied. */
import { digestOf } from '../../core/digest.ts';
import type { Ref } from '../../core/ref.ts';
import { isUnknown, unreadCode } from '../../core/port.ts';
import type { ReasonCode } from '../../core/reason.ts';
import type { Observed, ServerSeen } from '../../kinds/server/live.ts';
import type { Plan } from '../../kinds/plan.ts';
import { fstabAt } from '../../kinds/repository/fstab.ts';
import { imageName, mountAt, storeOfImage } from '../../kinds/repository/live.ts';
import { vcpusOf } from '../../kinds/vm/follows.ts';
import { withoutDigests } from '../../kinds/vm/settings.ts';

/** One VM on one server, without what moves by itself: domid, actual memory, NIC states. */
export const digestVm = (seen: ServerSeen, uuid: string, name: string): string => {
  const d = seen.domains.find((x) => x.uuid === uuid) ?? seen.domains.find((x) => x.name === name);
  const records = seen.records.filter(
    (r) => r.config?.uuid === uuid || r.config?.name === name || r.path === `/etc/xen/${name}.cfg`,
  );
  return digestOf({
    domain: d && {
      uuid: d.uuid,
      name: d.name,
      type: d.type,
      state: d.state,
      vcpus: { online: vcpusOf(d), max: d.vcpus.max },
      memory: { target: d.memory.target, max: d.memory.max },
      boot: d.boot,
      settings: withoutDigests(d.settings),
      cdroms: d.cdroms,
      disks: d.disks.map((k) => ({ vdev: k.vdev, path: k.path, access: k.access })),
      nics: d.nics.map((n) => ({ mac: n.mac, bridge: n.bridge })),
    },
    records: records.map((r) => ({ path: r.path, digest: r.digest, autostart: r.autostart })),
  });
};

/** One repository on one server. */
const digestStore = ({ storage }: ServerSeen, path: string): string => {
  const store = storage.stores[path];
  return digestOf({
    mount: mountAt(storage, path),
    line: fstabAt(storage.fstab?.text ?? '', path)?.source,
    store: store?.is === 'there' ? { marker: store.marker } : store?.is,
    book: storage.book?.digest,
  });
};

/** One image on one server; `path` is its file. */
const digestImage = ({ storage }: ServerSeen, path: string): string => {
  const store = storage.stores[storeOfImage(path)];
  return digestOf({ image: store?.is === 'there' ? store.images[imageName(path)] : store?.is });
};

/** `name`: of the VM, the repository's path, or the image's file. */
export const digestTouched = (subject: Ref, seen: ServerSeen, uuid: string, name: string): string => {
  if (subject.kind === 'image') return digestImage(seen, name);
  if (subject.kind === 'server') return digestOf({ membership: seen.membership?.digest, migration: seen.migration });
  return subject.kind === 'repository' ? digestStore(seen, name) : digestVm(seen, uuid, name);
};

export interface Difference {
  readonly subject: string;
  readonly server: string;
  readonly code: ReasonCode;
  readonly why: string;
}

/** What changed under the plan since it was made; empty where it may run. Other drift does not matter. */
export const stale = (plan: Plan, observed: Observed): readonly Difference[] =>
  plan.touched.flatMap((t): Difference[] => {
    const seen = observed.get(t.server);
    if (!seen || isUnknown(seen)) {
      const why = `${t.server} could not be read again${seen ? `: ${seen.why}` : ''}`;
      return [{ subject: t.name, server: t.server, code: unreadCode(seen), why }];
    }
    if (digestTouched(t.subject, seen, t.uuid, t.name) === t.digest) return [];
    const why = `${t.name} on ${t.server} is not as it was when the plan was made`;
    return [{ subject: t.name, server: t.server, code: 'object-changed', why }];
  });
