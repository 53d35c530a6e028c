/** Volume groups as stores: what `vgs` and `lvs` print, and the tags by which Reeve knows its own. Pure. */
import { digestText } from '../../../core/digest.ts';
import { brief, isObject, parseJson } from '../../../core/json.ts';
import { Odd } from '../cfg/values.ts';
import type { DiskMarker, Lease, StoreMarker, StoredDisk, StoreSeen } from '../../../kinds/repository/live.ts';
import { table } from '../../../core/table.ts';

/** `/dev/vg0/web` → `/dev/vg0`. */
/** `/dev/vg0/web` → `vg0/web`, as LVM's tools call it. */
export const named = (path: string): string => path.slice('/dev/'.length);

export const groupOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/** What a reading must be asked for, so that volumes among these paths are known: like `/dev/vg0/`. */
export const groupsOf = (paths: readonly string[]): readonly string[] => [
  ...new Set(paths.filter((p) => /^\/dev\/(?!mapper\/|disk\/)[^/]+\/[^/]+$/.test(p)).map((p) => `${groupOf(p)}/`)),
];

/** A tag is of letters, digits and `._+-/=!:&#`, 1024 at most; names are of letters, digits and `._+-`. */
const storeTag = 'reeve.store=';
const diskTag = 'reeve.disk=';
const leaseTag = 'reeve.lease=';

export const tagOfStore = ({ farm, repository, uuid, shared }: StoreMarker): string =>
  `${storeTag}${[farm, repository, uuid, ...(shared ? ['shared'] : [])].join('/')}`;

/** The disks are those that have the tag. */
export const tagOfLease = ({ farm, vm, uuid, server, boot, generation }: Omit<Lease, 'format' | 'disks'>): string =>
  `${leaseTag}${[farm, vm, uuid, server, boot, generation].join('/')}`;

export const tagOfDisk = ({ farm, vm, uuid, vdev }: Omit<DiskMarker, 'format' | 'size' | 'as'>): string =>
  `${diskTag}${[farm, vm, uuid, vdev].join('/')}`;

type Row = Readonly<Record<string, string>>;

const sizes = ['vg_size', 'vg_free', 'lv_size'];

/** Throws `Odd` for a row that LVM would not print. */
const rowOf = (x: unknown, of: 'vg' | 'lv'): Row => {
  if (!isObject(x)) throw new Odd(`a row of ${of}s is ${brief(x)}`);
  const members = Object.entries(x).map(([key, value]): readonly [string, string] => {
    if (typeof value !== 'string')
      throw new Odd(`${brief(key)} in a row of ${of}s is ${brief(value)}, and should be a text`);
    return [key, value];
  });
  const row = table(members);
  for (const name of of === 'vg' ? ['vg_name'] : ['vg_name', 'lv_name'])
    if (row[name] === undefined) throw new Odd(`a row of ${of}s has no ${name}`);
  for (const key of sizes)
    if (row[key] !== undefined && !/^\d{1,15}(?:\.\d+)?$/.test(row[key]))
      throw new Odd(`${key} in a row of ${of}s is ${brief(row[key])}`);
  return row;
};

/** The rows of a report; a warning of LVM may stand before or behind the JSON. Null: it is none. Throws `Odd`. */
const rowsOf = (text: string, of: 'vg' | 'lv'): readonly Row[] | null => {
  const read = parseJson(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
  if (!read.ok && read.deep) throw new Odd(`the report of ${of}s ${read.why}`);
  if (!read.ok) return null;
  const report = isObject(read.value) ? read.value['report'] : undefined;
  if (!Array.isArray(report)) throw new Odd(`the report of ${of}s is no list`);
  return report.flatMap((part: unknown) => {
    if (!isObject(part)) throw new Odd(`a part of the report of ${of}s is ${brief(part)}`);
    const rows = part[of] ?? [];
    if (!Array.isArray(rows))
      throw new Odd(`\`${of}\` in the report of ${of}s is ${brief(rows)}, and should be a list`);
    return rows.map((row: unknown) => rowOf(row, of));
  });
};

const tagsOf = (text: string | undefined): readonly string[] => (text ?? '').split(',').filter((t) => t !== '');

/** Exactly one tag of the kind, of as many words; `odd` otherwise. */
const wordsOf = (
  tags: readonly string[],
  kind: string,
  count: readonly [least: number, most: number],
): readonly string[] | 'odd' | null => {
  const mine = tags.filter((t) => t.startsWith(kind));
  const words = mine[0]?.slice(kind.length).split('/') ?? null;
  if (words === null) return null;
  return mine.length === 1 && words.length >= count[0] && words.length <= count[1] ? words : 'odd';
};

const storeMarker = (tags: readonly string[]): StoreMarker | 'odd' | null => {
  const words = wordsOf(tags, storeTag, [3, 4]);
  if (words === null || words === 'odd') return words;
  const [farm = '', repository = '', uuid = '', shared] = words;
  if (shared !== undefined && shared !== 'shared') return 'odd';
  return { format: 1, farm, repository, uuid, ...(shared ? { shared: true } : {}) };
};

/** What LVM prints as KiB, like `65536.00`. */
const kib = (text: string | undefined): number => Math.floor(Number(text ?? 0));

const diskMarker = (tags: readonly string[], size: number): DiskMarker | 'odd' | null => {
  const words = wordsOf(tags, diskTag, [4, 4]);
  if (words === null || words === 'odd') return words;
  const [farm = '', vm = '', uuid = '', vdev = ''] = words;
  return { format: 1, farm, vm, uuid, vdev, size, as: 'raw' };
};

const leaseOf = (tag: string): Omit<Lease, 'disks'> | 'odd' => {
  const [farm, vm, uuid, server, boot, generation, ...more] = tag.slice(leaseTag.length).split('/');
  const whole = vm !== undefined && server !== undefined && boot !== undefined && /^\d{1,15}$/.test(generation ?? '');
  return whole && farm !== undefined && uuid !== undefined && more.length === 0
    ? { format: 1, farm, vm, uuid, server, boot, generation: Number(generation) }
    : 'odd';
};

/** The lease tags of one VM among these, each once, the newest first. */
export const leaseTagsOf = (uuid: string, disks: Readonly<Record<string, StoredDisk>>): readonly string[] => {
  const all = new Set(Object.values(disks).flatMap((d) => (d.tags ?? []).filter((t) => t.startsWith(leaseTag))));
  const generationOf = (tag: string): number => {
    const lease = leaseOf(tag);
    return lease === 'odd' ? 0 : lease.generation;
  };
  return [...all]
    .filter((tag) => tag.slice(leaseTag.length).split('/')[2] === uuid)
    .sort((a, b) => generationOf(b) - generationOf(a));
};

/** By the VM's UUID. A run that broke off in the middle may have left two: the newer one counts. */
const leasesIn = (
  path: string,
  disks: Readonly<Record<string, StoredDisk>>,
): Extract<StoreSeen, { is: 'there' }>['leases'] => {
  const words = Object.values(disks).flatMap((d) => (d.tags ?? []).filter((t) => t.startsWith(leaseTag)));
  const uuids = new Set(words.map((tag) => tag.slice(leaseTag.length).split('/')[2] ?? ''));
  return table(
    [...uuids].map((uuid) => {
      const [tag = ''] = leaseTagsOf(uuid, disks);
      const lease = leaseOf(tag);
      const mine = Object.entries(disks).filter(([, d]) => d.tags?.includes(tag));
      const named = mine.flatMap(([name, { marker }]) =>
        marker && marker !== 'odd' && marker.uuid === uuid ? [[marker.vdev, `${path}/${name}`] as const] : [],
      );
      return [
        uuid,
        {
          lease: lease === 'odd' ? lease : { ...lease, disks: table(named) },
          digest: digestText(tag),
        },
      ] as const;
    }),
  );
};

/** A lock manager of lvmlockd; `none`, '' and older words are none. */
const lockedBy = (type: string | undefined): { readonly lock?: 'sanlock' | 'dlm' | 'idm' } =>
  type === 'sanlock' || type === 'dlm' || type === 'idm' ? { lock: type } : {};

/** `asked`: like `/dev/vg0/`. Throws `Odd` for what LVM would not print. */
export const parseVolumes = (
  vgs: string | null,
  lvs: string | null,
  asked: readonly string[],
): Readonly<Record<string, StoreSeen>> => {
  const groups = vgs === null ? null : rowsOf(vgs, 'vg');
  const volumes = lvs === null ? null : rowsOf(lvs, 'lv');
  const storeOf = (name: string): StoreSeen => {
    if (groups === null || volumes === null) return { is: 'stuck' };
    const group = groups.find((g) => g['vg_name'] === name);
    if (!group) return { is: 'missing' };
    const mine = volumes.filter((v) => v['vg_name'] === name);
    const disks = table(
      mine.map((v): [string, StoredDisk] => {
        const tags = tagsOf(v['lv_tags']);
        return [v['lv_name'] ?? '', { there: true, marker: diskMarker(tags, kib(v['lv_size'])), tags }];
      }),
    );
    return {
      is: 'there',
      ...(group['vg_uuid'] === undefined ? {} : { id: group['vg_uuid'] }),
      ...lockedBy(group['vg_lock_type']),
      marker: storeMarker(tagsOf(group['vg_tags'])),
      empty: mine.length === 0,
      space: { size: kib(group['vg_size']), free: kib(group['vg_free']) },
      disks,
      images: table(),
      leases: leasesIn(`/dev/${name}`, disks),
      saved: [],
    };
  };
  return table(asked.map((path) => [path.slice(0, -1), storeOf(path.slice('/dev/'.length, -1))]));
};
