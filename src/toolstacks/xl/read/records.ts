/** The files of /etc/xen → cfg records, with what leads to each from /etc/xen/auto; and the cfgs outside that were asked for. */
import { digestBytes } from '../../../core/digest.ts';
import { byText, sortedBy } from '../../../core/order.ts';
import type { Dangler } from '../../../kinds/server/live.ts';
import { isCfgElsewhere, isCfgOfXen } from '../../../kinds/vm/cfg-path.ts';
import { linkName } from '../../../kinds/vm/lease.ts';
import type { CfgRecord } from '../../../kinds/vm/live.ts';
import type { CfgValue } from '../../../kinds/vm/spec.ts';
import { latin1, utf8 } from './bytes.ts';
import { effective, parseCfg } from '../cfg/grammar.ts';
import { coveredConfig } from '../cfg/covered.ts';
import { vmOfCfg } from '../cfg/vm.ts';
import { readMarker } from '../cfg/marker.ts';
import { claimsOf, folder as home, isNoCfg, isUtf16, looksLikeCfg } from './cfg-files.ts';
import { mostBytes, tooLarge, type TarEntry } from './tar.ts';
import { digestCfg } from './mask.ts';
import { isOddName } from './told.ts';

const auto = '/etc/xen/auto/';

const isAscii = (value: CfgValue): boolean =>
  typeof value === 'string' ? /^[\x00-\x7f]*$/.test(value) : value.every(isAscii);

/** Why bytes are no text that xl could take; null: they may be. */
const notText = (bytes: Uint8Array): string | null => {
  if (isUtf16(bytes)) return 'it is UTF-16 text, and xl takes none: save it as UTF-8';
  const nul = bytes.indexOf(0);
  return nul < 0 ? null : `it is no text: byte ${nul + 1} is a NUL`;
};

/** One cfg, parsed as far as it can be. Bytes that are no UTF-8 may stand in comments, not in values. */
export const recordOf = (path: string, bytes: Uint8Array, autostart: readonly string[]): CfgRecord => {
  const large = bytes.length > mostBytes;
  const looked = large ? bytes.subarray(0, mostBytes) : bytes;
  const whole = utf8(looked);
  const text = whole ?? latin1(looked);
  const base = { path, text, digest: digestCfg(looked), exact: digestBytes(bytes), autostart };
  const odd = (problem: string): CfgRecord => ({
    ...base,
    config: undefined,
    problem,
    claims: claimsOf(path, looked),
    marker: null,
  });
  if (large) return odd(tooLarge(path));
  const no = notText(bytes);
  if (no !== null) return odd(`${path}: ${no}`);
  const parsed = parseCfg(text);
  if (!parsed.ok) {
    const { line, column, message } = parsed.error;
    return odd(`${path}:${line}:${column}: ${message}`);
  }
  const settings = effective(parsed.entries);
  const foreign = whole === null ? [...settings].find(([, value]) => !isAscii(value)) : undefined;
  if (foreign) return odd(`${path}: the value of ${foreign[0]} is not UTF-8`);
  const vm = vmOfCfg(settings);
  if (!vm.ok) return odd(`${path}: ${vm.why}`);
  return { ...base, config: coveredConfig(vm.config), problem: undefined, marker: readMarker(text, vm.config.uuid) };
};

/** `/etc/xen/auto/../x.cfg` → `/etc/xen/x.cfg`. */
const normal = (path: string): string => {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
};

const folder = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);

/** Where a path leads over links, through what was read. */
const followed = (path: string, links: ReadonlyMap<string, string>): string => {
  let at = path;
  for (let hops = 0; hops < 8; hops++) {
    const target = links.get(at);
    if (target === undefined) return at;
    at = normal(target.startsWith('/') ? target : folder(at) + target);
  }
  return at;
};

const sameVm = (a: CfgRecord, b: CfgRecord): boolean =>
  a.config !== undefined &&
  b.config !== undefined &&
  (a.config.uuid === null && b.config.uuid === null
    ? a.config.name === b.config.name
    : a.config.uuid === b.config.uuid);

interface Tree {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly links: ReadonlyMap<string, string>;
}

/** The file that a store's link of this name leads back to: a store is not part of this reading. */
const behind = (name: string, { files }: Tree): string => {
  const usual = `${home}${name}`;
  if (files.has(usual)) return usual;
  const same = [...files.keys()].filter((p) => !p.startsWith(auto) && linkName(p) === name);
  return same.length === 1 && same[0] !== undefined ? same[0] : usual;
};

/** Where each link ends, and over which link of a shared store. */
const endsOf = (tree: Tree): readonly { readonly link: string; readonly target: string; readonly via?: string }[] =>
  [...tree.links.keys()].map((link) => {
    const end = followed(link, tree.links);
    const through = /\/autostart\/[^/]+\/([^/]+\.cfg)$/.exec(end)?.[1];
    return through === undefined || end.startsWith(home)
      ? { link, target: end }
      : { link, target: behind(through, tree), via: end };
  });

/** Whether a file that was not read may be there all the same: outside of /etc/xen, or in a folder that is a link. */
const isElsewhere = (path: string, { links }: Tree): boolean =>
  !path.startsWith(home) || [...links.keys()].some((l) => path.startsWith(`${l}/`));

const treeOf = (entries: readonly TarEntry[], problems: string[]): Tree => {
  const files = new Map<string, Uint8Array>();
  const links = new Map<string, string>();
  for (const e of entries) {
    const path = `/${e.name}`;
    if (!path.startsWith(home)) continue;
    if (isOddName(path)) {
      problems.push(`${JSON.stringify(path)} was not read: its name has a control character`);
      continue;
    }
    if (e.is === 'file') files.set(path, e.bytes);
    else if (e.is === 'link') links.set(path, e.target);
  }
  return { files, links };
};

/** A cfg of which nothing but its path was read. */
const unread = (path: string, why: string, autostart: readonly string[] = []): CfgRecord => {
  const none = new Uint8Array();
  const [digest, claims] = [digestBytes(none), claimsOf(path, none)];
  return {
    path,
    text: '',
    digest,
    exact: digest,
    config: undefined,
    problem: `${path} ${why}`,
    claims,
    marker: null,
    autostart,
  };
};

/** A link of /etc/xen that looks like a cfg and leads out of it: nothing tells that its end is one. */
const strayLink = (link: string, target: string): CfgRecord =>
  unread(link, `is a link to ${target}, outside of /etc/xen, and was not followed: put the file itself there`);

/** What was seen of a cfg outside of /etc/xen: its bytes, or why there are none. */
export type Outside = ReadonlyMap<string, Uint8Array | 'missing' | 'odd' | 'late'>;

const whyUnread = {
  odd: 'was not read: it is no file of at most 256KiB with a line that begins with `name =`',
  late: 'could not be read in time',
};

export interface Records {
  readonly records: readonly CfgRecord[];
  readonly danglers: readonly Dangler[];
  /** Paths of cfgs that something leads to and that lie where this reading did not look; sorted. */
  readonly elsewhere: readonly string[];
  /** What could not be followed, in words. */
  readonly problems: readonly string[];
}

/**
 * By path. A record is a `.cfg`, or what a link in /etc/xen/auto leads to, or what a running domain was started from
 * (`monitors`), or what Reeve marked, or any other file that reads like the cfg of a domain. A plain copy in /etc/xen/auto of
 * another record counts as a link to it.
 */
export const recordsOf = (
  entries: readonly TarEntry[],
  monitors: readonly string[] = [],
  outside: Outside = new Map(),
): Records => {
  const problems: string[] = [];
  const tree = treeOf(entries, problems);
  const files = new Map(tree.files);
  for (const [path, bytes] of outside) if (typeof bytes !== 'string') files.set(path, bytes);
  const danglers: Dangler[] = [];
  const strays: CfgRecord[] = [];
  const starts = new Map<string, string[]>();
  const vias = new Map<string, string>();
  const elsewhere = new Set(monitors.filter((p) => !files.has(p) && isElsewhere(p, tree)));
  const unseen = (path: string): boolean => outside.get(path) !== 'missing' && isElsewhere(path, tree);
  for (const { link, target, via } of endsOf(tree)) {
    const starter = link.startsWith(auto);
    if (starter && via !== undefined) vias.set(target, via);
    if (starter) starts.set(target, [...(starts.get(target) ?? []), link]);
    if (files.has(target)) continue;
    const lost = `${link} leads to ${target}, which is not there`;
    const out = unseen(target);
    if (starter) {
      danglers.push({ link, target, ...(via === undefined ? {} : { via }) });
      if (out) elsewhere.add(target);
      else problems.push(lost);
    } else if (link.endsWith('.cfg') && !isNoCfg(link)) {
      if (out) strays.push(strayLink(link, target));
      else problems.push(lost);
    }
  }
  const marked = new TextEncoder().encode('# reeve: ');
  const isRecord = (path: string, bytes: Uint8Array): boolean =>
    starts.has(path) ||
    monitors.includes(path) ||
    marked.every((b, i) => bytes[i] === b) ||
    (!isNoCfg(path) && (path.endsWith('.cfg') || (bytes.length <= mostBytes && looksLikeCfg(bytes))));
  const records: CfgRecord[] = [];
  const copies: CfgRecord[] = [];
  for (const [path, bytes] of files) {
    if (path.startsWith(auto)) copies.push(recordOf(path, bytes, [path]));
    else if (isRecord(path, bytes)) {
      const via = vias.get(path);
      const record = recordOf(path, bytes, (starts.get(path) ?? []).sort());
      records.push(via === undefined ? record : { ...record, via });
    }
  }
  const lost = [...elsewhere].flatMap((path) => {
    const seen = isCfgElsewhere(path) || isCfgOfXen(path) ? outside.get(path) : 'odd';
    return seen === 'odd' || seen === 'late' ? [unread(path, whyUnread[seen], starts.get(path))] : [];
  });
  for (const copy of copies) {
    const i = records.findIndex((r) => sameVm(r, copy));
    const original = records[i];
    if (original) records[i] = { ...original, autostart: [...original.autostart, copy.path].sort() };
    else records.push(copy);
  }
  return {
    records: sortedBy([...records, ...strays, ...lost], (r) => r.path),
    danglers: danglers.filter((d) => !lost.some((r) => r.path === d.target)),
    elsewhere: [...elsewhere].filter((p) => !outside.has(p) && !lost.some((r) => r.path === p)).sort(byText),
    problems,
  };
};
