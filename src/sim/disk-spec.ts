/** Disks of an xl.cfg or of block-attach, as libxlu reads them: device numbers, options in any order, deprecated prefixes. */
import { table } from '../core/table.ts';

export type Backend = 'phy' | 'qdisk' | 'tap';

export interface DiskConfig {
  readonly path: string;
  /** None was given, not even an empty one. */
  readonly pathless?: true;
  readonly vdev: string;
  /** `empty`: a CD drive without a medium. */
  readonly format: string;
  /** As given; null: libxl chooses. */
  readonly backend: Backend | null;
  readonly readwrite: boolean;
  readonly cdrom: boolean;
  readonly script: string | null;
  readonly discard: boolean | null;
  readonly directIo: boolean;
}

/** `xvda` → 51712; undefined where it is no device name. */
export const devidOf = (vdev: string): number | undefined => {
  const m = /^(xvd|hd|sd)([a-z]{1,2})(\d*)$/.exec(vdev);
  if (m === null) return undefined;
  const [, family = '', letters = '', digits = ''] = m;
  const disk = letters.split('').reduce((n, c) => n * 26 + c.charCodeAt(0) - 96, 0) - 1;
  const part = digits === '' ? 0 : Number(digits);
  if (family === 'hd') return disk < 4 ? ((disk < 2 ? 3 : 22) << 8) + 64 * (disk % 2) + part : undefined;
  if (family === 'sd') return (8 << 8) + 16 * disk + part;
  return disk < 16 && part < 16 ? (202 << 8) + 16 * disk + part : (1 << 28) + (disk << 8) + part;
};

interface Draft {
  path: string | null;
  vdev: string | null;
  format: string | null;
  backend: string | null;
  access: string | null;
  script: string | null;
  discard: boolean | null;
  directIo: boolean;
  cdrom: boolean;
  /** It began with `file:` or the like: the next position is the device then. */
  old: boolean;
}

const flags: Readonly<Record<string, (d: Draft) => void>> = table({
  cdrom: (d) => (d.cdrom = true),
  discard: (d) => (d.discard = true),
  'no-discard': (d) => (d.discard = false),
  'direct-io-safe': (d) => (d.directIo = true),
  colo: () => {},
  'no-colo': () => {},
  trusted: () => {},
  untrusted: () => {},
});

const options: Readonly<Record<string, (d: Draft, value: string) => void>> = table({
  format: (d, v) => (d.format = v === '' ? 'raw' : v),
  vdev: (d, v) => (d.vdev = v),
  access: (d, v) => (d.access = v),
  devtype: (d, v) => (d.cdrom = v === 'cdrom'),
  backendtype: (d, v) => (d.backend = v),
  backend: () => {},
  script: (d, v) => (d.script = v),
  specification: () => {},
});

/** `hdc:cdrom`, the old way. */
const device = (d: Draft, word: string): void => {
  const [vdev = '', kind] = word.split(':');
  d.vdev = vdev;
  if (kind === 'cdrom') d.cdrom = true;
};

const position = (d: Draft, word: string, first: boolean): boolean => {
  const prefix = /^(file|phy|raw|qcow2?|vhd|tapdisk|tap2?|aio|ioemu|iscsi|e?nbd|drbd):/.exec(word);
  if (d.path === null || (first && prefix !== null)) {
    if (prefix !== null) {
      d.old = true;
      if (/^(?:raw|qcow2?|vhd)$/.test(prefix[1] ?? '')) d.format = prefix[1] ?? 'raw';
      if (/^(?:iscsi|e?nbd|drbd)$/.test(prefix[1] ?? '')) d.script = `block-${prefix[1] ?? ''}`;
      d.path = word.slice(prefix[0].length).replace(/^(?:aio|raw|qcow2?|vhd|tapdisk):/, '');
    } else d.path = word;
  } else if (!d.old && d.format === null) {
    if (d.path === '' && word.includes(':')) {
      device(d, word);
      d.format = 'empty';
    } else d.format = word === '' ? 'raw' : word;
  } else if (d.vdev === null) device(d, word);
  else if (d.access === null) d.access = word;
  else return false;
  return true;
};

const known = {
  access: ['r', 'ro', 'w', 'rw', ''],
  format: ['raw', 'qcow', 'qcow2', 'vhd', 'qed', 'empty'],
  backendtype: ['phy', 'qdisk', 'tap'],
};

/** What xl says of a disk that it cannot read, or the disk. */
export const parseDisk = (spec: string): DiskConfig | { readonly error: string } => {
  const bad = (why: string, near: string): { readonly error: string } => ({
    error: `config parsing error in disk specification: ${why}: near \`${near}' in \`${spec}'\n`,
  });
  const target = /(?:^|,)\s*target=(.*)$/s.exec(spec);
  const d: Draft = {
    path: target?.[1] ?? null,
    vdev: null,
    format: null,
    backend: null,
    access: null,
    script: null,
    discard: null,
    directIo: false,
    cdrom: false,
    old: false,
  };
  const words = (target === null ? spec : spec.slice(0, target.index)).split(',').map((w) => w.trim());
  // A comma at the end adds no empty position.
  if (words.at(-1) === '') words.pop();
  for (const [i, word] of words.entries()) {
    const [, key, value = ''] = /^([a-z][-a-z0-9]*)=(.*)$/.exec(word) ?? [];
    if (key !== undefined && options[key] !== undefined) options[key](d, value);
    else if (key !== undefined) {
      if (/^(?:colo|active|hidden)-/.test(key)) continue;
      return bad('unknown parameter', word);
    } else if (flags[word] !== undefined) flags[word](d);
    else if (!position(d, word, i === 0)) return bad('too many positional parameters', word);
  }
  const access = d.access ?? 'rw';
  const format = d.format ?? 'raw';
  if (!known.access.includes(access)) return bad('unknown value for access', access);
  if (!known.format.includes(format)) return bad('unknown value for format', format);
  if (d.backend !== null && !known.backendtype.includes(d.backend))
    return bad('unknown value for backendtype', d.backend);
  if (d.vdev === null) return bad('no vdev specified', spec);
  if (d.path === null && !d.cdrom) return bad('no target specified (and device not removable)', spec);
  return {
    path: d.path ?? '',
    ...(d.path === null ? { pathless: true as const } : {}),
    vdev: d.vdev,
    format: d.cdrom && (d.path ?? '') === '' ? 'empty' : format,
    backend: d.backend as Backend | null,
    readwrite: (access === '' || access.includes('w')) && !d.cdrom,
    cdrom: d.cdrom,
    script: d.script,
    discard: d.discard,
    directIo: d.directIo,
  };
};
