/** libxl's disk strings: `format=raw,vdev=xvda,access=rw,target=/path`, the older positional form, and prefixes like `phy:`. */
import type { DiskBackend, DiskConfig } from '../../../kinds/vm/spec.ts';
import { table } from '../../../core/table.ts';

export type DiskParsed =
  | { readonly ok: true; readonly is: 'disk'; readonly vdev: string; readonly disk: DiskConfig }
  /** An empty path is an empty drive. */
  | { readonly ok: true; readonly is: 'cdrom'; readonly vdev: string; readonly path: string }
  | { readonly ok: false; readonly why: string };

const formats = new Set(['raw', 'qcow', 'qcow2', 'vhd', 'empty', 'qed']);

/** Options that are kept as found; the last group are bare words. */
const kept =
  /^(?:backend|specification|script|colo-host|colo-port|colo-export|active-disk|hidden-disk|grant_usage)=|^(?:direct-io-safe|discard|no-discard|colo|no-colo|trusted|untrusted)$/;

const backends: Readonly<Record<string, DiskBackend>> = table({ phy: 'phy', qdisk: 'qdisk', tap: 'tap' });

/** Of a CD drive: what says where its bytes come from, and Reeve has no word for. The rest is libxl's own choice there. */
const cdWord = /^(?:backend|script)=|^colo/;

const accessOf = (word: string): 'rw' | 'ro' | null => {
  if (word === 'r' || word === 'ro') return 'ro';
  return word === 'rw' || word === 'w' || word === '' ? 'rw' : null;
};

const prefixes = /^(raw|qcow2?|vhd|iscsi|e?nbd|drbd|tapdisk|tap2?|aio|ioemu|file|phy):/;

interface Draft {
  path: string | undefined;
  vdev: string | undefined;
  format: string | undefined;
  access: 'rw' | 'ro' | undefined;
  cdrom: boolean;
  backend: DiskBackend | null;
  extra: string[];
}

/** Only an empty value may be given again. */
const taken = (have: string | undefined): boolean => have !== undefined && have !== '';

const setFormat = (d: Draft, word: string): string | null => {
  const format = word === '' ? 'raw' : word;
  if (!formats.has(format)) return `unknown format ${word}`;
  if (taken(d.format) && d.format !== format) return `two formats: ${d.format} and ${format}`;
  d.format = format;
  return null;
};

const setVdev = (d: Draft, vdev: string): string | null => {
  if (taken(d.vdev)) return `two vdevs: ${d.vdev} and ${vdev}`;
  d.vdev = vdev;
  return null;
};

const setAccess = (d: Draft, word: string): string | null => {
  const access = accessOf(word);
  if (access === null) return `unknown access ${word} (r, ro, w and rw are known)`;
  d.access = access;
  return null;
};

/** `hdc:cdrom`: a vdev with its type, as a positional parameter. */
const vdevAndType = (d: Draft, word: string): string | null => {
  const colon = word.lastIndexOf(':');
  if (colon < 0) return setVdev(d, word);
  const type = word.slice(colon + 1);
  if (type !== 'cdrom' && type !== 'disk') return `unknown device type ${type}`;
  d.cdrom = type === 'cdrom';
  return setVdev(d, word.slice(0, colon));
};

/** `phy:`, `file:` and the like only say what follows by position; some name a format or a script. */
const prefix = (d: Draft, word: string): string | null => {
  if (/^(?:raw|qcow2?|vhd)$/.test(word)) return setFormat(d, word);
  if (/^(?:iscsi|e?nbd|drbd)$/.test(word)) d.extra.push(`script=block-${word}`);
  return null;
};

const named = (d: Draft, key: string, word: string, whole: string): string | null => {
  switch (key) {
    case 'format':
      return setFormat(d, word);
    case 'vdev':
      return setVdev(d, word);
    case 'access':
      return setAccess(d, word);
    case 'devtype':
      if (word !== 'cdrom' && word !== 'disk') return `unknown device type ${word}`;
      d.cdrom = word === 'cdrom';
      return null;
    case 'backendtype':
      d.backend = backends[word] ?? d.backend;
      if (backends[word] === undefined) d.extra.push(whole);
      return null;
    default:
      if (!kept.test(whole)) return `unknown option ${whole}`;
      d.extra.push(whole);
      return null;
  }
};

const read = (text: string, d: Draft): string | null => {
  let rest = text;
  let prefixed = false;
  let positions = 0;
  for (;;) {
    rest = rest.replace(/^[ \t\n]+/, '');
    if (rest === '') return null;
    if (rest.startsWith('target=')) {
      const path = rest.slice('target='.length).replace(/,$/, '');
      if (taken(d.path)) return `two targets: ${d.path} and ${path}`;
      if (path.includes('\n')) return 'a newline in the target';
      d.path = path;
      return null;
    }
    const old = prefixes.exec(rest)?.[1];
    if (old !== undefined) {
      const why = prefix(d, old);
      if (why !== null) return why;
      prefixed = true;
      rest = rest.slice(old.length + 1);
      continue;
    }
    const unknown = /^[a-z][a-z0-9]*:(?![a-z0-9])/.exec(rest);
    if (unknown) return `unknown prefix ${unknown[0]}`;
    const word = /^[^,]*/.exec(rest)?.[0] ?? '';
    rest = rest.slice(word.length + 1);
    const equals = word.indexOf('=');
    let why: string | null = null;
    if (equals >= 0) why = named(d, word.slice(0, equals), word.slice(equals + 1), word);
    else if (word === 'cdrom') d.cdrom = true;
    else if (kept.test(word)) d.extra.push(word);
    else if (d.path === undefined) d.path = word;
    else if (!prefixed && d.format === undefined) {
      if (d.path === '' && word.includes(':')) {
        why = vdevAndType(d, word);
        d.format = 'empty';
      } else why = setFormat(d, word);
    } else if (d.vdev === undefined) why = vdevAndType(d, word);
    else if (positions++ === 0) why = setAccess(d, word);
    else why = `one parameter too many: ${word}`;
    if (why !== null) return why;
  }
};

/** Two strings that mean one thing to xl give equal values. */
export const parseDisk = (text: string): DiskParsed => {
  const d: Draft = {
    path: undefined,
    vdev: undefined,
    format: undefined,
    access: undefined,
    cdrom: false,
    backend: null,
    extra: [],
  };
  const odd = (why: string): DiskParsed => ({ ok: false, why: `disk ${JSON.stringify(text)}: ${why}` });
  const why = read(text, d);
  if (why !== null) return odd(why);
  const { vdev } = d;
  if (vdev === undefined || vdev === '') return odd('it has no vdev');
  const path = d.path ?? '';
  if (d.cdrom) {
    const raw = (d.format ?? 'raw') === 'raw' || d.format === 'empty';
    const foreign = raw ? d.extra.find((x) => cdWord.test(x)) : `format=${d.format}`;
    return foreign === undefined
      ? { ok: true, is: 'cdrom', vdev, path }
      : odd(`Reeve knows no CD drive with ${foreign}`);
  }
  if (path === '') return odd('it has no target');
  return {
    ok: true,
    is: 'disk',
    vdev,
    disk: {
      path,
      access: d.access ?? 'rw',
      shared: false,
      format: d.format ?? 'raw',
      backend: d.backend,
      extra: d.extra,
    },
  };
};

/** The string for a cfg or for `xl block-attach`; null where the syntax cannot hold it. Xen has no word for sharing. */
export const writeDisk = (vdev: string, disk: DiskConfig): string | null => {
  const words = [
    `format=${disk.format}`,
    `vdev=${vdev}`,
    `access=${disk.access}`,
    ...(disk.backend === null ? [] : [`backendtype=${disk.backend}`]),
    ...disk.extra,
    `target=${disk.path}`,
  ];
  const text = words.join(',');
  const back = parseDisk(text);
  const same =
    back.ok &&
    back.is === 'disk' &&
    back.vdev === vdev &&
    back.disk.path === disk.path &&
    back.disk.access === disk.access &&
    back.disk.format === disk.format &&
    back.disk.backend === disk.backend &&
    back.disk.extra.join(',') === disk.extra.join(',');
  return same ? text : null;
};

/** A CD drive for a cfg; null where the syntax cannot hold it. */
export const writeCdrom = (vdev: string, path: string): string | null => {
  const medium = path === '' ? '' : `,target=${path}`;
  const text = `format=${path === '' ? 'empty' : 'raw'},vdev=${vdev},devtype=cdrom,access=ro${medium}`;
  const back = parseDisk(text);
  return back.ok && back.is === 'cdrom' && back.vdev === vdev && back.path === path ? text : null;
};
