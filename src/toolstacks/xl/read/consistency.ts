/** Whether the sections of one answer agree: a lost row must not look like a smaller server. Pure. */
import type { Section } from './frames.ts';
import type { ListRow } from './xl-info.ts';
import type { Xenstore } from './xenstore.ts';

/** What a whole answer holds. The two tools of `slow` share one bound, and none follows one that was killed. */
const always = ['host', 'xl-info', 'xl-list', 'xs', 'files', 'qemu'];
const slow = ['link', 'ps'];
const widely = ['xl-vcpus', 'xl-sched', 'xl-credit'];

export interface Asked {
  /** As the text was asked; undefined: it is not known. */
  readonly what: 'all' | 'domains' | undefined;
  readonly paths: readonly string[];
}

/** The first section that is not there though nothing before it was killed; null: all are. */
export const lostSection = (
  sections: ReadonlyMap<string, Section>,
  { what, paths }: Asked,
  isGroup: (path: string) => boolean,
): string | null => {
  const groups = paths.some((p) => p.endsWith('/') && isGroup(p)) ? ['vgs', 'lvs'] : [];
  const later = [...slow, ...(what === 'all' ? ['ovs'] : []), ...groups];
  const stuck = later.some((name) => sections.get(name)?.rc === 137);
  const needed = [
    ...always,
    ...(what === 'all' ? widely : []),
    ...(stuck ? [] : later),
    ...(paths.length > 0 ? ['mounts', 'paths'] : []),
  ];
  return needed.find((name) => !sections.has(name)) ?? null;
};

export interface Told {
  /** Where something is mounted; null: not asked. */
  readonly mounts: readonly string[] | null;
  /** What was said of each store, by its path. */
  readonly stores: ReadonlyMap<string, readonly string[]>;
  /** A line about paths and stores that is none. */
  readonly strayLine: string | null;
  /** `ip` ended well, and printed nothing: there is always `lo`. */
  readonly noLinks: boolean;
  readonly rows: readonly ListRow[];
  readonly xs: Xenstore;
  /** Names of `/var/lib/xen/userdata-d.…`. */
  readonly userdata: ReadonlySet<string>;
  /** What `xl vcpu-list` and the schedulers' lists printed; null: not asked, or failed, or of a scheduler that has none. */
  readonly vcpus: string | null;
  readonly scheds: string | null;
}

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

/** Of a device that libxl made: those keys that each has. */
const keysOf: readonly (readonly [kind: string, keys: readonly string[]])[] = [
  ['vbd', ['backend', 'dev', 'params', 'mode', 'type']],
  ['vif', ['backend', 'mac']],
];

/** What xenstore lacks of a domain that libxl has written down, which it does last of all. */
const lackOf = (row: ListRow, xs: Xenstore): string | null => {
  const at = `/local/domain/${row.domid}`;
  const keys = [`${at}/name`, `/libxl/${row.domid}/type`, `${at}/memory/target`, `${at}/memory/static-max`];
  const cpus = xs.list(`${at}/cpu`).map((n) => `${at}/cpu/${n}/availability`);
  const devices = keysOf.flatMap(([kind, names]) =>
    xs
      .list(`/libxl/${row.domid}/device/${kind}`)
      .flatMap((id) => names.map((key) => `/libxl/${row.domid}/device/${kind}/${id}/${key}`)),
  );
  const lost = [...keys, ...cpus, ...devices].find((path) => xs.get(path) === undefined);
  return lost === undefined ? null : `xenstore has no ${lost}`;
};

/** The domids of the rows of `xl vcpu-list`, or of a scheduler's list. */
const domidsIn = (text: string, place: RegExp): ReadonlyMap<number, number> => {
  const found = new Map<number, number>();
  for (const line of text.split('\n')) {
    const domid = place.exec(line)?.[1];
    if (domid !== undefined) found.set(Number(domid), (found.get(Number(domid)) ?? 0) + 1);
  }
  return found;
};
const vcpuPlace = /\s(\d+)\s+\d+\s+(?:-|\d+)\s+\S{3}\s+[\d.]+\s+\S+ \/ \S+\s*$/;
const schedPlace = /\s(\d+)\s+\d+\s+\d+\s*$/;

/** Of a domain that is there, by what xl told of it three times and xenstore once. */
const disagreement = (row: ListRow, t: Told, vcpus: ReadonlyMap<number, number> | null): string | null => {
  const name = t.xs.get(`/local/domain/${row.domid}/name`);
  if (name !== undefined && row.name !== null && isAscii(name) && isAscii(row.name) && name !== row.name)
    return `xl list calls it ${row.name}, and xenstore ${name}`;
  const vm = t.xs.get(`/local/domain/${row.domid}/vm`);
  if (vm !== undefined && vm !== `/vm/${row.uuid}`) return `xl list has UUID ${row.uuid}, and xenstore ${vm}`;
  const cpus = t.xs.list(`/local/domain/${row.domid}/cpu`).length;
  const counted = vcpus?.get(row.domid) ?? 0;
  if (vcpus && cpus > 0 && counted !== cpus) return `xl vcpu-list has ${counted} vCPUs of it, and xenstore has ${cpus}`;
  return lackOf(row, t.xs);
};

/** The table of mounts has no `/`, or lacks the one that df tells of. */
const lostMount = ({ mounts, stores }: Told): string | null => {
  if (mounts === null) return null;
  if (!mounts.includes('/')) return 'nothing is mounted at / in /proc/self/mounts';
  for (const [path, lines] of stores) {
    const words = lines.map((l) => l.split(' ')[0] ?? '');
    if (words.includes('end') && !words.includes('folder') && words.some((w) => !['store', 'end'].includes(w)))
      return `something lies in ${path}, and it is no folder`;
    const df = lines.find((l) => l.startsWith('df '));
    if (df?.endsWith(` ${path}`) && !mounts.includes(path))
      return `df tells of a mount at ${path}, and /proc/self/mounts does not have it`;
  }
  return null;
};

/**
 * Where the parts do not tell of the same domains, in words; null: they agree. A domain that starts or ends while the parts are
 * printed is such a case, too, for a moment: whoever reads looks again.
 */
export const contradiction = (t: Told): string | null => {
  const mount = lostMount(t);
  if (mount !== null) return mount;
  if (t.strayLine !== null) return 'a line about paths has no number';
  if (t.noLinks) return 'ip link printed nothing';
  if (t.xs.orphan !== null) return `xenstore-ls has keys below ${t.xs.orphan}, and not that key`;
  const listed = new Set(t.rows.map((r) => r.domid));
  const hidden = t.xs
    .list('/local/domain')
    .find((id) => !listed.has(Number(id)) && t.xs.get(`/local/domain/${id}/name`) !== undefined);
  if (hidden !== undefined) return `domain ${hidden} is in xenstore, and xl list does not list it`;
  const vcpus = t.vcpus === null ? null : domidsIn(t.vcpus, vcpuPlace);
  const scheds = t.scheds === null ? null : domidsIn(t.scheds, schedPlace);
  if (scheds && !scheds.has(0)) return 'the list of the scheduler does not have Domain-0';
  for (const row of t.rows) {
    if (row.domid === 0 || !t.userdata.has(`userdata-d.${row.domid}.${row.uuid}.libxl-json`)) continue;
    if (row.state !== 'running' && row.state !== 'paused') continue;
    const why = disagreement(row, t, vcpus);
    if (why !== null) return `domain ${row.domid}: ${why}`;
    // Domain-0 is in a list of the scheduler that is in use, and so is whoever shares its cpupool.
    if (scheds && row.pool === t.rows.find((r) => r.domid === 0)?.pool && !scheds.has(row.domid))
      return `domain ${row.domid}: the scheduler's list does not have it`;
  }
  return null;
};
