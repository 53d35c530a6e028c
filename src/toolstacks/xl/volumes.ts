/** Volume groups as stores: what `vgs` and `lvs` print, and the tags by which Reeve knows its own. Pure. */
import type { DiskMarker, StoreMarker, StoredDisk, StoreSeen } from '../../kinds/repository/live.ts';

/** A tag holds no blank and no quote; names are of letters, digits and `._+-`. */
const storeTag = 'reeve.store=';
const diskTag = 'reeve.disk=';

export const tagOfStore = ({ farm, repository, uuid }: StoreMarker): string =>
  `${storeTag}${[farm, repository, uuid].join('/')}`;

export const tagOfDisk = ({ farm, vm, uuid, vdev }: Omit<DiskMarker, 'format' | 'size' | 'as'>): string =>
  `${diskTag}${[farm, vm, uuid, vdev].join('/')}`;

type Row = Readonly<Record<string, string>>;

/** The rows of a report; a warning of LVM may stand before or behind the JSON. Null: it is none. */
const rowsOf = (text: string, of: 'vg' | 'lv'): readonly Row[] | null => {
  const [start, end] = [text.indexOf('{'), text.lastIndexOf('}')];
  try {
    const { report } = JSON.parse(text.slice(start, end + 1)) as { report: readonly Readonly<Record<string, Row[]>>[] };
    return report.flatMap((r) => r[of] ?? []);
  } catch {
    return null;
  }
};

/** Exactly one tag of the kind, of as many words; `odd` otherwise. */
const wordsOf = (tags: string, kind: string, count: number): readonly string[] | 'odd' | null => {
  const mine = tags.split(',').filter((t) => t.startsWith(kind));
  const words = mine[0]?.slice(kind.length).split('/') ?? null;
  return words === null ? null : mine.length === 1 && words.length === count ? words : 'odd';
};

const storeMarker = (tags: string): StoreMarker | 'odd' | null => {
  const words = wordsOf(tags, storeTag, 3);
  if (words === null || words === 'odd') return words;
  const [farm = '', repository = '', uuid = ''] = words;
  return { format: 1, farm, repository, uuid };
};

/** What LVM prints as KiB, like `65536.00`. */
const kib = (text: string | undefined): number => Math.floor(Number(text ?? 0));

const diskMarker = (tags: string, size: number): DiskMarker | 'odd' | null => {
  const words = wordsOf(tags, diskTag, 4);
  if (words === null || words === 'odd') return words;
  const [farm = '', vm = '', uuid = '', vdev = ''] = words;
  return { format: 1, farm, vm, uuid, vdev, size, as: 'raw' };
};

/** `asked`: like `/dev/vg0/`. */
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
    return {
      is: 'there',
      marker: storeMarker(group['vg_tags'] ?? ''),
      empty: mine.length === 0,
      space: { size: kib(group['vg_size']), free: kib(group['vg_free']) },
      disks: Object.fromEntries(
        mine.map((v): [string, StoredDisk] => [
          v['lv_name'] ?? '',
          { there: true, marker: diskMarker(v['lv_tags'] ?? '', kib(v['lv_size'])) },
        ]),
      ),
      images: {},
      leases: {},
      saved: [],
    };
  };
  return Object.fromEntries(asked.map((path) => [path.slice(0, -1), storeOf(path.slice('/dev/'.length, -1))]));
};
